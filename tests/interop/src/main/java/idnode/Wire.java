package idnode;

import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import net.handle.hdllib.AbstractResponse;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.ClientSessionTracker;
import net.handle.hdllib.CreateHandleRequest;
import net.handle.hdllib.DeleteHandleRequest;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.Interface;
import net.handle.hdllib.ResolutionRequest;
import net.handle.hdllib.SessionSetupInfo;
import net.handle.hdllib.SimpleConfiguration;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;
import net.handle.hdllib.ValueReference;

/** Whether restricted values can be read on the way: not in a session; without one they can, which shows that the look-out works. */
final class Wire {
  private static final String PLAIN = "https://example.com/plain-to-see";
  private static final String HIDDEN = "nobody else may read this";

  private Wire() {}

  static void watch(Transcript out, SiteInfo global, SiteInfo site, boolean sessions, boolean encryptAll, String handle, AuthenticationInfo who)
      throws Exception {
    Interface tcp = tcp(site);
    try (Relay relay = new Relay(site.servers[0].getInetAddress(), tcp.port)) {
      HandleResolver resolver = through(relay, global, site, sessions, handle);
      if (encryptAll) {
        SessionSetupInfo all = new SessionSetupInfo();
        all.encrypted = true;
        all.authenticated = true;
        resolver.setSessionTracker(new ClientSessionTracker(all));
      }
      HandleValue[] values = {
        Lifecycle.text(1, "URL", PLAIN),
        Lifecycle.restricted(2, "NOTE", HIDDEN.getBytes(StandardCharsets.UTF_8)),
        Identity.admin(100, new ValueReference(who.getUserIdHandle(), who.getUserIdIndex()))
      };
      out.step("create with a restricted value", 1, Answer.to(resolver, new CreateHandleRequest(Util.encodeString(handle), values, who)));
      out.step("read by its administrator", 1, Answer.to(resolver, Question.restricted(handle, who)));
      boolean seen = relay.requestsHold(octets(HIDDEN)) || relay.answersHold(octets(HIDDEN));
      boolean plain = relay.requestsHold(octets(PLAIN)) || relay.answersHold(octets(PLAIN));
      out.fact("the restricted octets pass " + (sessions ? "encrypted" : "in the clear"), seen != sessions);
      out.fact("public values beside them pass " + (sessions ? "encrypted" : "in the clear"), plain != sessions);
      ResolutionRequest certified = Question.restricted(handle, who);
      certified.certify = true;
      boolean[] mac = new boolean[1];
      Answer answer =
          Answer.to(
              () -> {
                AbstractResponse response = resolver.processRequest(certified);
                mac[0] = response.signatureIsMac();
                return response;
              });
      out.step("read by its administrator, certified", 1, answer);
      out.fact("certified by " + (sessions ? "a MAC of the session" : "a signature"), mac[0] == sessions);
      if (!encryptAll) {
        out.step("read by anybody", 1, Question.ask(resolver, handle));
        out.fact("public values pass in the clear then", relay.answersHold(octets(PLAIN)));
      }
      out.step("delete", 1, Answer.to(resolver, new DeleteHandleRequest(Util.encodeString(handle), who)));
      if (encryptAll) {
        out.fact("nothing but envelopes and set-up passed in the clear", !relay.requestsHold(octets(handle)) && !relay.answersHold(octets(handle)));
      }
    }
  }

  private static byte[] octets(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Interface tcp(SiteInfo site) {
    for (Interface one : site.servers[0].interfaces) {
      if (one.protocol == Interface.SP_HDL_TCP) {
        return one;
      }
    }
    throw new IllegalStateException("the site speaks no TCP");
  }

  /** Knows the handle's prefix to be behind the relay. */
  private static HandleResolver through(Relay relay, SiteInfo global, SiteInfo site, boolean sessions, String handle) throws Exception {
    SiteInfo near = new SiteInfo(site);
    near.servers[0] = site.servers[0].cloneServerInfo();
    near.servers[0].ipAddress = new byte[16];
    byte[] loopback = InetAddress.getLoopbackAddress().getAddress();
    System.arraycopy(loopback, 0, near.servers[0].ipAddress, 12, loopback.length);
    for (Interface one : near.servers[0].interfaces) {
      one.port = relay.port();
    }
    HandleResolver resolver = Client.make(global, sessions);
    SimpleConfiguration configuration = Client.configuration(global);
    configuration.setLocalSites(Util.decodeString(Util.getZeroNAHandle(Util.encodeString(handle))), new SiteInfo[] {near});
    resolver.setConfiguration(configuration);
    return resolver;
  }
}
