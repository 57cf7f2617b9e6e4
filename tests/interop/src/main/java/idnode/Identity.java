package idnode;

import java.nio.charset.StandardCharsets;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.util.ArrayList;
import java.util.List;
import net.handle.hdllib.AdminRecord;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.Common;
import net.handle.hdllib.Encoder;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.PublicKeyAuthenticationInfo;
import net.handle.hdllib.SecretKeyAuthenticationInfo;
import net.handle.hdllib.Util;
import net.handle.hdllib.ValueReference;

/** An administrator who can prove himself by an RSA key (index 300) and by a secret (index 301), both in his own record. */
final class Identity {
  static final int KEY = 300;
  static final int SECRET = 301;

  /** Every kind of octet a secret may hold; the library turns those from 0x80 into two before it derives a key. */
  private static final List<byte[]> SECRETS =
      List.of(
          "open sesame".getBytes(StandardCharsets.UTF_8),
          "芝麻开门".getBytes(StandardCharsets.UTF_8),
          range(0x00, 0x100),
          range(0x80, 0x100),
          new byte[] {0, 1, 0, 2, 0},
          new byte[] {(byte) 0xFF},
          "Zürich".getBytes(StandardCharsets.ISO_8859_1),
          "x".repeat(200).getBytes(StandardCharsets.UTF_8));

  final String handle;
  final byte[] secret;
  private final KeyPair keys;

  private Identity(String handle, byte[] secret, KeyPair keys) {
    this.handle = handle;
    this.secret = secret;
    this.keys = keys;
  }

  /** `count` of them, each with another kind of secret. Neighbours have different keys; making one takes most of a second. */
  static List<Identity> make(String prefix, int count) throws Exception {
    List<KeyPair> keys = List.of(newKeys(), newKeys(), newKeys());
    List<Identity> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(new Identity(prefix + "/ADMIN-" + i, SECRETS.get(i % SECRETS.size()), keys.get(i % keys.size())));
    }
    return out;
  }

  static KeyPair newKeys() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    return generator.generateKeyPair();
  }

  AuthenticationInfo byKey() {
    return byKey(keys.getPrivate());
  }

  AuthenticationInfo byKey(PrivateKey key) {
    return new PublicKeyAuthenticationInfo(Util.encodeString(handle), KEY, key);
  }

  AuthenticationInfo bySecret() {
    return bySecret(secret);
  }

  AuthenticationInfo bySecret(byte[] octets) {
    return new SecretKeyAuthenticationInfo(Util.encodeString(handle), SECRET, octets);
  }

  PrivateKey privateKey() {
    return keys.getPrivate();
  }

  List<ValueReference> references() {
    return List.of(new ValueReference(Util.encodeString(handle), KEY), new ValueReference(Util.encodeString(handle), SECRET));
  }

  /** His record: administered by the main administrator, its secret readable by administrators only. */
  HandleValue[] record(ValueReference administrator) throws Exception {
    HandleValue kept = new HandleValue(SECRET, Common.SECRET_KEY_TYPE, secret);
    kept.setAnyoneCanRead(false);
    return new HandleValue[] {
      admin(100, administrator), new HandleValue(KEY, Common.PUBLIC_KEY_TYPE, Util.getBytesFromPublicKey(keys.getPublic())), kept
    };
  }

  /** An HS_ADMIN value with every permission. */
  static HandleValue admin(int index, ValueReference who) {
    AdminRecord record = new AdminRecord(who.handle, who.index, true, true, true, true, true, true, true, true, true, true, true, true);
    return new HandleValue(index, Common.ADMIN_TYPE, Encoder.encodeAdminRecord(record));
  }

  private static byte[] range(int from, int to) {
    byte[] out = new byte[to - from];
    for (int i = from; i < to; i++) {
      out[i - from] = (byte) i;
    }
    return out;
  }
}
