#include "ops/ctl/csv.h"

namespace idnode::ctl {

std::optional<std::vector<std::string>> read_csv_record(std::istream& in) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  bool any = false;
  for (int c = in.get(); c != std::istream::traits_type::eof(); c = in.get()) {
    any = true;
    char ch = static_cast<char>(c);
    if (quoted) {
      if (ch != '"') {
        fields.back().push_back(ch);
      } else if (in.peek() == '"') {
        fields.back().push_back(static_cast<char>(in.get()));
      } else {
        quoted = false;
      }
    } else if (ch == '"' && fields.back().empty()) {
      quoted = true;
    } else if (ch == ',') {
      fields.emplace_back();
    } else if (ch == '\n') {
      return fields;
    } else if (ch != '\r' || in.peek() != '\n') {
      fields.back().push_back(ch);
    }
  }
  if (!any) return std::nullopt;
  return fields;
}

void append_csv_field(std::string_view field, std::string& out) {
  if (field.find_first_of("\",\r\n") == std::string_view::npos) {
    out += field;
    return;
  }
  out.push_back('"');
  for (char c : field) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace idnode::ctl
