package idnode;

import java.io.BufferedReader;
import java.util.ArrayList;
import java.util.List;
import net.handle.hdllib.AbstractRequest;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.ClientSessionTracker;
import net.handle.hdllib.ClientSideSessionInfo;
import net.handle.hdllib.CreateHandleRequest;
import net.handle.hdllib.DeleteHandleRequest;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.ModifyValueRequest;
import net.handle.hdllib.SessionSetupInfo;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;
import net.handle.hdllib.ValueReference;

/**
 * Sessions that end while the client still counts on them.
 *
 * <p>What the library does: a session it knows to have timed out is dropped and another set up before the request is sent. One that only
 * the node has forgotten (a restart, an expiry) is answered 500; the library then drops it, sets up another and sends the request once
 * more, so that the caller sees nothing of it.
 */
final class Recovery {
  private final Transcript out;
  private final SiteInfo global;
  private final String handle;
  private final AuthenticationInfo who;
  private int version;

  Recovery(Transcript out, SiteInfo global, String handle, AuthenticationInfo who) {
    this.out = out;
    this.global = global;
    this.handle = handle;
    this.who = who;
  }

  void restart(BufferedReader commands) throws Exception {
    HandleResolver resolver = Client.make(global, true);
    step(resolver, "create", create());
    step(resolver, "modify", modify());
    List<Integer> before = sessions(resolver);
    System.out.println("RESTART");
    System.out.flush();
    commands.readLine();
    step(resolver, "modify after a restart of the node", modify());
    replaced(resolver, before);
    step(resolver, "modify in the new session", modify());
  }

  /** `client`: the client knows that a second is over; otherwise it believes in a day, and only the node knows. */
  void expiry(boolean client) throws Exception {
    HandleResolver resolver = Client.make(global, true);
    SessionSetupInfo brief = new SessionSetupInfo();
    brief.timeout = 1;
    resolver.setSessionTracker(new ClientSessionTracker(brief));
    step(resolver, "modify in a session of a second", modify());
    List<Integer> before = sessions(resolver);
    if (!client) {
      // The options are compared at the next request: both must say the same, or a change of options is asked for.
      brief.timeout = 86_400;
      for (ClientSideSessionInfo session : resolver.getSessionTracker().getAllSessions()) {
        session.setTimeOut(86_400);
      }
    }
    Thread.sleep(2_100);
    step(resolver, client ? "modify after a time-out the client knows of" : "modify after a time-out only the node knows of", modify());
    replaced(resolver, before);
  }

  void end() throws Exception {
    HandleResolver resolver = Client.make(global, true);
    step(resolver, "delete", new DeleteHandleRequest(Util.encodeString(handle), who));
  }

  private void step(HandleResolver resolver, String what, AbstractRequest request) throws Exception {
    out.step(what, 1, Answer.to(resolver, request));
  }

  private AbstractRequest create() {
    HandleValue admin = Identity.admin(100, new ValueReference(who.getUserIdHandle(), who.getUserIdIndex()));
    return new CreateHandleRequest(Util.encodeString(handle), new HandleValue[] {url(), admin}, who);
  }

  private AbstractRequest modify() {
    return new ModifyValueRequest(Util.encodeString(handle), url(), who);
  }

  private HandleValue url() {
    return Lifecycle.text(1, "URL", "https://example.com/" + version++);
  }

  private void replaced(HandleResolver resolver, List<Integer> before) {
    List<Integer> after = sessions(resolver);
    out.fact("one session before, another one after", before.size() == 1 && after.size() == 1 && !before.equals(after));
  }

  private static List<Integer> sessions(HandleResolver resolver) {
    List<Integer> out = new ArrayList<>();
    for (ClientSideSessionInfo session : resolver.getSessionTracker().getAllSessions()) {
      out.add(session.sessionId);
    }
    return out;
  }
}
