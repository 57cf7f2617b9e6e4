// Why something on the disk could not be opened.
#pragma once

#include <expected>
#include <string>

#include "protocol/result.h"

namespace idnode {

// `text` is one line for the operator: it names the path and says what to do.
struct OpenError {
  Errc code = Errc::kIo;
  std::string text;
};

template <class T>
using Opened = std::expected<T, OpenError>;

inline std::unexpected<OpenError> open_error(Errc code, std::string text) {
  return std::unexpected(OpenError{code, std::move(text)});
}

}  // namespace idnode
