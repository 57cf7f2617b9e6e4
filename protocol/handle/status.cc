#include "protocol/handle/status.h"

namespace idnode::handle {

ResponseCode code_of(Errc e) {
  switch (e) {
    case Errc::kTruncated:
    case Errc::kMalformed:
    case Errc::kTooLarge: return ResponseCode::kProtocolError;
    case Errc::kUnsupported: return ResponseCode::kNotSupported;
    case Errc::kInvalid: return ResponseCode::kInvalidValue;
    // Both heal or are healed by an operator; nothing of the request is wrong.
    case Errc::kNoSpace:
    case Errc::kReadOnly: return ResponseCode::kReadOnly;
    case Errc::kWouldBlock:
    case Errc::kBusy:
    case Errc::kTimeout: return ResponseCode::kTooBusy;
    case Errc::kExists:
    case Errc::kAbsent:
    case Errc::kRefused:
    case Errc::kCrypto:
    case Errc::kIo:
    case Errc::kCorrupt:
    case Errc::kNewerFormat:
    case Errc::kClosed: break;
  }
  return ResponseCode::kError;
}

}  // namespace idnode::handle
