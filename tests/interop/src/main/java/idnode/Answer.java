package idnode;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import net.handle.hdllib.AbstractRequest;
import net.handle.hdllib.AbstractResponse;
import net.handle.hdllib.AdminRecord;
import net.handle.hdllib.Common;
import net.handle.hdllib.Encoder;
import net.handle.hdllib.HandleException;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.ResolutionResponse;
import net.handle.hdllib.Util;
import net.handle.hdllib.ValueReference;

/**
 * An answer without what differs from run to run: the response code (or "threw", the library's own code and those of its causes), and
 * the values. Times are left out; keys and sites are only named; octets that are no text are given by length and digest.
 */
record Answer(String code, List<HandleValue> values) {
  interface Body {
    AbstractResponse run() throws Exception;
  }

  static Answer to(Body body) throws Exception {
    try {
      AbstractResponse response = body.run();
      List<HandleValue> values =
          response instanceof ResolutionResponse resolved ? Arrays.asList(resolved.getHandleValues()) : List.of();
      return new Answer(Integer.toString(response.responseCode), values);
    } catch (HandleException e) {
      return new Answer("threw " + why(e), List.of());
    }
  }

  private static String why(HandleException e) {
    String code = HandleException.getCodeStr(e.getCode());
    boolean told = !(e.getCause() instanceof HandleException cause) || cause.getCode() == e.getCode();
    return told ? code : code + ", " + why((HandleException) e.getCause());
  }

  static Answer to(HandleResolver resolver, AbstractRequest request) throws Exception {
    return to(() -> resolver.processRequest(request));
  }

  byte[] data(int index) {
    return values.stream().filter(v -> v.getIndex() == index).findFirst().map(HandleValue::getData).orElse(null);
  }

  List<Integer> indexes() {
    return values.stream().map(HandleValue::getIndex).sorted().collect(Collectors.toList());
  }

  @Override
  public String toString() {
    return values.isEmpty() ? code : code + values.stream().map(v -> " {" + text(v) + "}").collect(Collectors.joining());
  }

  private static String text(HandleValue value) {
    return value.getIndex() + " " + value.getTypeAsString() + " " + permissions(value) + " " + value.getTTL() + " " + data(value);
  }

  private static String permissions(HandleValue value) {
    return (value.getAdminCanRead() ? "1" : "0")
        + (value.getAdminCanWrite() ? "1" : "0")
        + (value.getAnyoneCanRead() ? "1" : "0")
        + (value.getAnyoneCanWrite() ? "1" : "0");
  }

  private static String data(HandleValue value) {
    try {
      if (value.hasType(Common.SITE_INFO_TYPE)) {
        return "(a site)";
      }
      if (value.hasType(Common.PUBLIC_KEY_TYPE)) {
        return "(a key)";
      }
      if (value.hasType(Common.ADMIN_TYPE)) {
        AdminRecord admin = Encoder.decodeAdminRecord(value.getData(), 0);
        return admin.adminIdIndex + ":" + Util.decodeString(admin.adminId);
      }
      if (value.hasType(Common.ADMIN_GROUP_TYPE)) {
        return Arrays.stream(Encoder.decodeValueReferenceList(value.getData(), 0)).map(ValueReference::toString).collect(Collectors.joining(","));
      }
    } catch (HandleException e) {
      return "undecodable";
    }
    return octets(value.getData());
  }

  static String octets(byte[] data) {
    String text = new String(data, StandardCharsets.UTF_8);
    boolean readable = Arrays.equals(text.getBytes(StandardCharsets.UTF_8), data) && text.codePoints().noneMatch(c -> c < 0x20);
    return readable ? '"' + text + '"' : data.length + " octets " + HexFormat.of().formatHex(digest(data), 0, 8);
  }

  private static byte[] digest(byte[] data) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(data);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
