// Structures of the codec made from the `fields` of a vector: what a decoder must give and an encoder is
// given.
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "protocol/handle/request.h"
#include "protocol/handle/response.h"
#include "protocol/handle/site.h"
#include "tests/protocol/vectors/loader.h"

namespace idnode::vectors {

// Owns the octets that the views of a built structure point to.
class Kept {
 public:
  std::string_view operator()(std::string octets) { return kept_.emplace_back(std::move(octets)); }

 private:
  std::deque<std::string> kept_;
};

// As it stands on the wire: a suggestion of 0.0 stays 0.0.
handle::Envelope build_envelope(const Object& o);
// As a decoder gives it: without a suggestion both numbers are those of the version.
handle::Envelope as_decoded(handle::Envelope envelope);
handle::Header build_header(const Object& o);
Value build_value(const Json& v);
ValueList build_values(const Json& list, Kept& kept);
std::vector<Reference> build_references(const Json& list);
handle::Site build_site(const Object& o);
handle::TextList build_texts(const Json& list, Kept& kept);
handle::IndexList build_indexes(const Json& list, Kept& kept);
// From the fields envelope, header, body. `covered` is left empty, the envelope as it stands on the wire.
handle::Request build_request(const Object& fields, Kept& kept);
handle::Response build_response(const Object& fields, Kept& kept);

}  // namespace idnode::vectors
