package idnode;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import net.handle.hdllib.AddValueRequest;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.Common;
import net.handle.hdllib.CreateHandleRequest;
import net.handle.hdllib.DeleteHandleRequest;
import net.handle.hdllib.Encoder;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.PublicKeyAuthenticationInfo;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;
import net.handle.hdllib.ValueReference;

/**
 * The reference client as it comes, or with sessions off, against a national node, a secondary and an enterprise's node.
 *
 * <p>Arguments: "default" or "off" (sessions), the endpoints of the three nodes, the secondary's prefix, its administrator's private key
 * (.bin), the file for the transcript. Steps are printed when they are not as known beforehand; the transcript holds all of them and is
 * the same in every run. RESTART on standard output asks for a restart of the secondary, a line on standard input says that it is done.
 */
public final class MainJob {
  private static final int THREADS = 8;

  private interface Part {
    void run(int number, Transcript out) throws Exception;
  }

  private final boolean sessions;
  private final Addresses addresses;
  private final SiteInfo global;
  private final SiteInfo secondary;
  private final SiteInfo impostor;
  private final HandleResolver resolver;
  private final AuthenticationInfo administrator;
  private final List<Identity> identities;
  private final List<Transcript> transcripts = new ArrayList<>();

  private MainJob(boolean sessions, Addresses addresses, PrivateKey key) throws Exception {
    this.sessions = sessions;
    this.addresses = addresses;
    global = Client.siteOf(addresses.national());
    secondary = Client.siteOf(addresses.secondary());
    impostor = Certified.withAnotherKey(secondary);
    // One for all threads, as an application has it.
    resolver = Client.make(global, sessions);
    administrator = new PublicKeyAuthenticationInfo(Util.encodeString(addresses.prefix() + "/ADMIN"), Identity.KEY, key);
    identities = Identity.make(addresses.hosted(), THREADS);
  }

  private Transcript begin(String name) {
    Transcript out = new Transcript(name);
    transcripts.add(out);
    return out;
  }

  /** The eight administrators, a group of them, and the group at the two prefixes. */
  private void onboard() throws Exception {
    Transcript out = begin("onboard");
    List<ValueReference> members = new ArrayList<>();
    for (Identity one : identities) {
      HandleValue[] values = one.record(administrator.getUserValueReference());
      out.step("create " + one.handle, 1, Answer.to(resolver, new CreateHandleRequest(Util.encodeString(one.handle), values, administrator)));
      members.addAll(one.references());
    }
    byte[] group = Util.encodeString(addresses.hosted() + "/GROUP");
    HandleValue[] values = {
      Identity.admin(100, administrator.getUserValueReference()),
      new HandleValue(200, Common.ADMIN_GROUP_TYPE, Encoder.encodeValueReferenceList(members.toArray(new ValueReference[0])))
    };
    out.step("create a group", 1, Answer.to(resolver, new CreateHandleRequest(group, values, administrator)));
    for (String prefix : List.of(addresses.hosted(), addresses.listed())) {
      byte[] record = Util.encodeString("0.NA/" + prefix);
      HandleValue admin = Identity.admin(101, new ValueReference(group, 200));
      out.step("the group administers " + prefix, 1, Answer.to(resolver, new AddValueRequest(record, admin, administrator)));
    }
  }

  private void inThreads(String name, Part part) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      int number = i;
      Transcript out = begin(name + " " + i);
      running.add(
          threads.submit(
              () -> {
                part.run(number, out);
                return null;
              }));
    }
    threads.shutdown();
    for (Future<?> one : running) {
      one.get();
    }
  }

  private void lifecycle(int number, Transcript out, boolean byKey) throws Exception {
    Identity one = identities.get(number);
    Identity other = identities.get((number + 1) % THREADS);
    AuthenticationInfo who = byKey ? one.byKey() : one.bySecret();
    AuthenticationInfo liar = byKey ? one.byKey(other.privateKey()) : one.bySecret("not the secret".getBytes());
    String handle = addresses.hosted() + "/" + (byKey ? "KEY-" : "SECRET-") + number;
    new Lifecycle(resolver, out, handle, who, number).run(List.of(other.byKey(), other.bySecret()), List.of(liar));
  }

  private void overUdpFirst() throws Exception {
    HandleResolver any = Client.anyTransport(global, sessions);
    Identity one = identities.get(4);
    Identity other = identities.get(5);
    String handle = addresses.hosted() + "/UDP";
    new Lifecycle(any, begin("udp first, key"), handle, one.byKey(), 1).run(List.of(other.byKey()), List.of(one.byKey(other.privateKey())));
    new Lifecycle(any, begin("udp first, secret"), handle, one.bySecret(), 2).run(List.of(other.bySecret()), List.of(one.bySecret("no".getBytes())));
  }

  private void list() throws Exception {
    inThreads("fill", (number, out) -> Listing.fill(resolver, out, addresses.listed(), identities.get(number).bySecret(), number, THREADS));
    Transcript out = begin("list");
    Listing.list(resolver, out, addresses.listed(), "a key", identities.get(0).byKey());
    Listing.list(resolver, out, addresses.listed(), "a secret", identities.get(2).bySecret());
    Listing.refused(resolver, out, addresses.listed(), "a liar", 403, identities.get(0).bySecret("no".getBytes()));
    AuthenticationInfo nobody = new PublicKeyAuthenticationInfo(Util.encodeString(addresses.hosted() + "/NOBODY"), 300, identities.get(0).privateKey());
    Listing.refused(resolver, out, addresses.listed(), "nobody known", 400, nobody);
  }

  private void certified() throws Exception {
    Transcript out = begin("certified");
    // His record has the secret, a restricted value.
    Certified.verify(resolver, out, addresses, administrator, identities.get(0).handle);
    Certified.control(resolver, out, secondary, impostor, identities.get(0).handle);
  }

  private void wire() throws Exception {
    String handle = addresses.hosted() + "/WIRE";
    Identity one = identities.get(3);
    Wire.watch(begin(sessions ? "wire" : "bare wire"), global, secondary, sessions, false, handle, one.byKey());
    if (sessions) {
      Wire.watch(begin("wire, all encrypted"), global, secondary, true, true, handle, one.bySecret());
    }
  }

  private void recovery() throws Exception {
    Transcript out = begin("recovery");
    Recovery recovery = new Recovery(out, global, addresses.hosted() + "/RECOVER", identities.get(1).bySecret());
    recovery.restart(new BufferedReader(new InputStreamReader(System.in)));
    recovery.expiry();
    recovery.termination(secondary);
    recovery.control(impostor);
    recovery.end();
    // The sessions all of them had before the restart.
    inThreads("afterwards", this::createAndDelete);
  }

  private void createAndDelete(int number, Transcript out) throws Exception {
    byte[] name = Util.encodeString(addresses.hosted() + "/AFTER-" + number);
    for (AuthenticationInfo who : List.of(identities.get(number).byKey(), identities.get(number).bySecret())) {
      HandleValue[] values = {Lifecycle.text(1, "URL", "https://example.com"), Identity.admin(100, who.getUserValueReference())};
      out.step("create", 1, Answer.to(resolver, new CreateHandleRequest(name, values, who)));
      out.step("delete", 1, Answer.to(resolver, new DeleteHandleRequest(name, who)));
    }
  }

  private void run() throws Exception {
    Roads.follow(resolver, begin("roads"), addresses);
    onboard();
    inThreads("key", (number, out) -> lifecycle(number, out, true));
    inThreads("secret", (number, out) -> lifecycle(number, out, false));
    overUdpFirst();
    list();
    certified();
    wire();
    if (sessions) {
      recovery();
    }
  }

  public static void main(String[] arguments) throws Exception {
    Addresses addresses = new Addresses(arguments[1], arguments[2], arguments[3], arguments[4]);
    PrivateKey key = Util.getPrivateKeyFromBytes(Util.decrypt(Files.readAllBytes(Path.of(arguments[5])), null), 0);
    MainJob job = new MainJob(arguments[0].equals("default"), addresses, key);
    job.run();
    List<String> lines = job.transcripts.stream().flatMap(t -> t.lines().stream()).toList();
    Files.write(Path.of(arguments[6]), lines);
    int failed = job.transcripts.stream().mapToInt(Transcript::failed).sum();
    System.out.println("RESULT " + (lines.size() - failed) + " " + failed);
    System.exit(0);
  }
}
