package idnode;

import java.io.File;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.security.PrivateKey;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import net.handle.hdllib.AbstractRequest;
import net.handle.hdllib.AbstractResponse;
import net.handle.hdllib.AddValueRequest;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.CreateHandleRequest;
import net.handle.hdllib.DeleteHandleRequest;
import net.handle.hdllib.GenericRequest;
import net.handle.hdllib.GetSiteInfoResponse;
import net.handle.hdllib.HandleException;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.Interface;
import net.handle.hdllib.ModifyValueRequest;
import net.handle.hdllib.PublicKeyAuthenticationInfo;
import net.handle.hdllib.RemoveValueRequest;
import net.handle.hdllib.ResolutionRequest;
import net.handle.hdllib.ResolutionResponse;
import net.handle.hdllib.SecretKeyAuthenticationInfo;
import net.handle.hdllib.SimpleConfiguration;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;

/**
 * The reference client against a running node: it resolves over TCP and UDP, and, with sessions off, administers by challenge and
 * answer. Arguments: address, port, prefix, private key file (.bin), administrator handle, secret, handle of the secret's owner, octets of
 * the large record's data.
 *
 * <p>Every site the client knows is the node it was given, so nothing is sent anywhere else. Prints one line a check; exit 1 when one
 * failed.
 */
public final class Interop {
  private static int passed;
  private static int failed;

  private final InetAddress address;
  private final int port;
  private final String prefix;
  private final HandleResolver resolver = new HandleResolver();

  private Interop(String address, int port, String prefix) throws Exception {
    this.address = InetAddress.getByName(address);
    this.port = port;
    this.prefix = prefix;
    SiteInfo site = siteInfo();
    SimpleConfiguration configuration =
        new SimpleConfiguration() {
          @Override
          public boolean isAutoUpdateRootInfo() {
            return false;
          }
        };
    configuration.setGlobalSites(new SiteInfo[] {site});
    for (String homed : List.of(prefix, prefix + ".5")) {
      configuration.setLocalSites("0.NA/" + homed, new SiteInfo[] {site});
    }
    resolver.setConfiguration(configuration);
    resolver.setSessionTracker(null);
    resolver.setCache(null);
    resolver.setCertifiedCache(null);
    resolver.setCheckSignatures(true);
    resolver.setTcpTimeout(20_000);
  }

  private SiteInfo siteInfo() throws Exception {
    AbstractRequest request = new GenericRequest(Util.encodeString("/"), AbstractRequest.OC_GET_SITE_INFO, null);
    return ((GetSiteInfoResponse) resolver.sendHdlTcpRequest(request, address, port)).siteInfo;
  }

  private interface Body {
    void run() throws Exception;
  }

  private static void check(String name, Body body) {
    try {
      body.run();
      passed++;
      System.out.println("ok " + name);
    } catch (Throwable e) {
      failed++;
      System.out.println("FAILED " + name + ": " + e);
    }
  }

  private static void expect(Object want, Object got) {
    if (!want.equals(got)) {
      throw new AssertionError("expected " + want + ", got " + got);
    }
  }

  private static List<Integer> indexes(HandleValue[] values) {
    return Arrays.stream(values).map(HandleValue::getIndex).sorted().collect(Collectors.toList());
  }

  private static HandleValue value(int index, String type, String text) {
    return new HandleValue(index, Util.encodeString(type), Util.encodeString(text));
  }

  private HandleValue[] resolve(String handle, String[] types, int[] wanted) throws Exception {
    return resolver.resolveHandle(handle, types, wanted);
  }

  private void expectCode(int code, Body body) throws Exception {
    try {
      body.run();
    } catch (HandleException e) {
      expect(code, e.getCode());
      return;
    }
    throw new AssertionError("expected error " + code);
  }

  private void resolution(String transport, int protocol, String handle, int large) {
    resolver.setPreferredProtocols(new int[] {protocol});
    check(transport + " by name", () -> expect(List.of(1, 2, 3), indexes(resolve(handle, null, null))));
    check(transport + " case of the name", () -> expect(List.of(1, 2, 3), indexes(resolve(handle.toLowerCase(), null, null))));
    check(transport + " by type", () -> expect(List.of(1), indexes(resolve(handle, new String[] {"url"}, null))));
    check(transport + " by index", () -> expect(List.of(2), indexes(resolve(handle, null, new int[] {2}))));
    check(transport + " by type or index", () -> expect(List.of(1, 3), indexes(resolve(handle, new String[] {"URL"}, new int[] {3}))));
    check(transport + " Chinese text", () -> expect("扶手椅", resolve(handle, null, new int[] {2})[0].getDataAsString()));
    check(transport + " no such handle", () -> expectCode(HandleException.HANDLE_DOES_NOT_EXIST, () -> resolve(prefix + ".5/none", null, null)));
    check(transport + " no such type", () -> {
      AbstractResponse response = resolver.processRequest(new ResolutionRequest(Util.encodeString(handle), new byte[][] {Util.encodeString("NOPE")}, null, null));
      expect(AbstractResponse.RC_VALUES_NOT_FOUND, response.responseCode);
    });
    check(transport + " large record", () -> {
      HandleValue[] values = resolve(handle + "-LARGE", null, null);
      int octets = 0;
      for (HandleValue v : values) {
        octets += v.getData().length;
        for (byte b : v.getData()) {
          expect((byte) ('a' + v.getIndex() % 26), b);
        }
      }
      expect(large, octets);
    });
    check(transport + " certified", () -> {
      ResolutionRequest request = new ResolutionRequest(Util.encodeString(handle), null, null, null);
      request.certify = true;
      expect(AbstractResponse.RC_SUCCESS, resolver.processRequest(request).responseCode);
    });
    check(transport + " request digest", () -> {
      ResolutionRequest request = new ResolutionRequest(Util.encodeString(handle), null, null, null);
      request.returnRequestDigest = true;
      expect(AbstractResponse.RC_SUCCESS, resolver.processRequest(request).responseCode);
    });
    check(transport + " prefix record", () -> expect(true, resolve("0.NA/" + prefix + ".5", new String[] {"HS_SITE"}, null).length > 0));
  }

  private AbstractResponse administer(AbstractRequest request) throws Exception {
    return resolver.processRequest(request);
  }

  private void administration(String who, AuthenticationInfo identity) {
    resolver.setPreferredProtocols(new int[] {Interface.SP_HDL_TCP});
    byte[] handle = Util.encodeString(prefix + ".5/JAVA-" + who);
    check(who + " create", () -> expect(1, administer(new CreateHandleRequest(handle, new HandleValue[] {value(1, "URL", "https://example.com/1")}, identity)).responseCode));
    check(who + " create again", () -> expect(101, administer(new CreateHandleRequest(handle, new HandleValue[] {value(1, "URL", "x")}, identity)).responseCode));
    check(who + " add", () -> {
      HandleValue restricted = value(2, "PRICE", "42");
      restricted.setAnyoneCanRead(false);
      expect(1, administer(new AddValueRequest(handle, new HandleValue[] {restricted, value(3, "DESC", "椅")}, identity)).responseCode);
    });
    check(who + " modify", () -> expect(1, administer(new ModifyValueRequest(handle, new HandleValue[] {value(1, "URL", "https://example.com/2")}, identity)).responseCode));
    check(who + " read public", () -> {
      HandleValue[] values = resolve(Util.decodeString(handle), null, null);
      expect(List.of(1, 3), indexes(values));
      expect("https://example.com/2", Arrays.stream(values).filter(v -> v.getIndex() == 1).findFirst().get().getDataAsString());
    });
    check(who + " read restricted", () -> {
      ResolutionRequest request = new ResolutionRequest(handle, null, null, identity);
      request.ignoreRestrictedValues = false;
      ResolutionResponse response = (ResolutionResponse) administer(request);
      expect(List.of(1, 2, 3), indexes(response.getHandleValues()));
    });
    check(who + " remove", () -> expect(1, administer(new RemoveValueRequest(handle, 3, identity)).responseCode));
    check(who + " delete", () -> expect(1, administer(new DeleteHandleRequest(handle, identity)).responseCode));
    check(who + " gone", () -> expectCode(HandleException.HANDLE_DOES_NOT_EXIST, () -> resolve(Util.decodeString(handle), null, null)));
  }

  private void wrongKeys(byte[] handle, byte[] administrator) {
    check("wrong secret", () -> {
      AuthenticationInfo wrong = new SecretKeyAuthenticationInfo(handle, 301, "wrong".getBytes(StandardCharsets.UTF_8));
      expect(403, administer(new CreateHandleRequest(Util.encodeString(prefix + ".5/NO"), new HandleValue[0], wrong)).responseCode);
    });
    check("stranger", () -> {
      AuthenticationInfo stranger = new SecretKeyAuthenticationInfo(Util.encodeString(prefix + ".5/NOBODY"), 300, "x".getBytes(StandardCharsets.UTF_8));
      expect(400, administer(new CreateHandleRequest(Util.encodeString(prefix + ".5/NO"), new HandleValue[0], stranger)).responseCode);
    });
  }

  public static void main(String[] arguments) throws Exception {
    Interop interop = new Interop(arguments[0], Integer.parseInt(arguments[1]), arguments[2]);
    String handle = interop.prefix + ".5/CHAIR";
    int large = Integer.parseInt(arguments[7]);
    interop.resolution("TCP", Interface.SP_HDL_TCP, handle, large);
    interop.resolution("UDP", Interface.SP_HDL_UDP, handle, large);
    PrivateKey key = Util.getPrivateKeyFromBytes(Util.decrypt(Files.readAllBytes(new File(arguments[3]).toPath()), null), 0);
    byte[] administrator = Util.encodeString(arguments[4]);
    byte[] owner = Util.encodeString(arguments[6]);
    interop.administration("RSA", new PublicKeyAuthenticationInfo(administrator, 300, key));
    interop.administration("SECRET", new SecretKeyAuthenticationInfo(owner, 301, arguments[5].getBytes(StandardCharsets.UTF_8)));
    interop.wrongKeys(owner, administrator);
    System.out.println("interop: java-client=9.3.1 passed=" + passed + " failed=" + failed + " sessions=off transports=tcp,udp");
    System.exit(failed == 0 ? 0 : 1);
  }
}
