package idnode;

import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.ResolutionRequest;
import net.handle.hdllib.Util;

/** The resolutions the program asks for. All are authoritative, so that the library's cache does not answer in the node's place. */
final class Question {
  private Question() {}

  static ResolutionRequest about(String handle, int... indexes) {
    ResolutionRequest request = new ResolutionRequest(Util.encodeString(handle), null, indexes.length == 0 ? null : indexes, null);
    request.authoritative = true;
    return request;
  }

  static ResolutionRequest certified(String handle) {
    ResolutionRequest request = about(handle);
    request.certify = true;
    return request;
  }

  /** Restricted values too, with a proof. */
  static ResolutionRequest restricted(String handle, AuthenticationInfo who, int... indexes) {
    ResolutionRequest request = about(handle, indexes);
    request.authInfo = who;
    request.ignoreRestrictedValues = false;
    return request;
  }

  static Answer ask(HandleResolver resolver, String handle, int... indexes) throws Exception {
    return Answer.to(resolver, about(handle, indexes));
  }
}
