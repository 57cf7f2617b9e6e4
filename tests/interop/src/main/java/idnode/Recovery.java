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
import net.handle.hdllib.GenericRequest;
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

  /** The client asked for a second, and knows that it is over. */
  void expiry() throws Exception {
    HandleResolver resolver = Client.make(global, true);
    SessionSetupInfo brief = new SessionSetupInfo();
    brief.timeout = 1;
    resolver.setSessionTracker(new ClientSessionTracker(brief));
    step(resolver, "modify in a session of a second", modify());
    List<Integer> before = sessions(resolver);
    Thread.sleep(2_100);
    step(resolver, "modify after it", modify());
    replaced(resolver, before);
  }

  /** The session is ended behind the client's back; the tracker keeps it. */
  void termination(SiteInfo site) throws Exception {
    HandleResolver resolver = Client.make(global, true);
    step(resolver, "modify", modify());
    List<Integer> before = sessions(resolver);
    step(resolver, "terminate the session", site, termination(resolver));
    step(resolver, "modify after the end of the session", modify());
    replaced(resolver, before);
  }

  /** The control: the node signs the set-up, so with another key in its site's record the library goes no further. */
  void control(SiteInfo other) throws Exception {
    HandleResolver resolver = Client.make(global, true);
    AbstractRequest request = new DeleteHandleRequest(Util.encodeString(handle), who);
    Answer answer = Answer.to(() -> resolver.sendRequestToSite(request, other));
    out.step("delete, another key in the site's record", "threw INTERNAL_ERROR, MISSING_OR_INVALID_SIGNATURE", answer);
    out.step("resolve: still there", 1, Question.ask(resolver, handle, 100));
  }

  private AbstractRequest termination(HandleResolver resolver) {
    AbstractRequest request = new GenericRequest(Util.encodeString("/"), AbstractRequest.OC_SESSION_TERMINATE, null);
    request.sessionTracker = resolver.getSessionTracker();
    request.sessionInfo = resolver.getSessionTracker().getAllSessions()[0];
    request.isAdminRequest = true;
    return request;
  }

  void end() throws Exception {
    HandleResolver resolver = Client.make(global, true);
    step(resolver, "delete", new DeleteHandleRequest(Util.encodeString(handle), who));
  }

  private void step(HandleResolver resolver, String what, AbstractRequest request) throws Exception {
    out.step(what, 1, Answer.to(resolver, request));
  }

  private void step(HandleResolver resolver, String what, SiteInfo site, AbstractRequest request) throws Exception {
    out.step(what, 1, Answer.to(() -> resolver.sendRequestToSite(request, site)));
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
