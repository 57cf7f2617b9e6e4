package idnode;

import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.ResolutionRequest;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;

/** Answers with a signature of the node, or a MAC of the session, which the library checks before it gives them away. */
final class Certified {
  private Certified() {}

  static void verify(HandleResolver resolver, Transcript out, Addresses addresses, AuthenticationInfo who, String handle) throws Exception {
    signed(resolver, out, "the prefix's record", "0.NA/" + addresses.hosted(), 1);
    signed(resolver, out, "the hosted record", handle, 1);
    signed(resolver, out, "the enterprise's record", addresses.pointer() + "/CHAIR-1", 1);
    signed(resolver, out, "that there is none", addresses.hosted() + "/none", 100);
    ResolutionRequest all = Question.restricted(handle, who);
    all.certify = true;
    out.step("certified with a proof", 1, Answer.to(resolver, all));
    ResolutionRequest digest = Question.certified(handle);
    digest.returnRequestDigest = true;
    out.step("certified with the request's digest", 1, Answer.to(resolver, digest));
  }

  private static void signed(HandleResolver resolver, Transcript out, String what, String handle, int code) throws Exception {
    ResolutionRequest request = Question.certified(handle);
    boolean[] carried = new boolean[1];
    Answer answer =
        Answer.to(
            () -> {
              var response = resolver.processRequest(request);
              carried[0] = response.signature != null && response.signature.length > 0;
              return response;
            });
    out.step("certified: " + what, code, answer);
    out.fact("it carries a credential", carried[0]);
  }

  /** The control: with another key in the site's record the same answer must be refused, or nothing above was checked. */
  static void control(HandleResolver resolver, Transcript out, SiteInfo site, SiteInfo other, String handle) throws Exception {
    Answer right = Answer.to(() -> resolver.sendRequestToSite(Question.certified(handle), site));
    out.step("certified, the site's key", 1, right);
    Answer wrong = Answer.to(() -> resolver.sendRequestToSite(Question.certified(handle), other));
    out.step("certified, another key in the site's record", "threw MISSING_OR_INVALID_SIGNATURE", wrong);
  }

  static SiteInfo withAnotherKey(SiteInfo site) throws Exception {
    SiteInfo other = new SiteInfo(site);
    other.servers[0] = site.servers[0].cloneServerInfo();
    other.servers[0].publicKey = Util.getBytesFromPublicKey(Identity.newKeys().getPublic());
    return other;
  }
}
