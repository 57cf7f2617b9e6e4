// Records to import, from NDJSON or CSV, one at a time.
#pragma once

#include <expected>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/rest/decode.h"

namespace idnode::ctl {

struct SourceOptions {
  bool csv = false;
  std::string prefix;  // put in front of ids that have no slash
  std::vector<std::string>
      columns;  // COLUMN=INDEX:TYPE; CSV only; empty: every column but the id's, in order, from index 1
  std::string id_column;  // CSV only; empty: the first
};

struct SourceLine {
  std::uint64_t number = 0;  // line of NDJSON, record of CSV (the header is 1)
  std::expected<rest::Record, std::string> record;
};

class RecordSource {
 public:
  // Throws Stop with kUsage when the header or the mapping is unusable. `in` must outlive this object.
  RecordSource(std::istream& in, SourceOptions options);
  std::optional<SourceLine> next();

 private:
  struct Column {
    std::size_t position = 0;
    std::uint32_t index = 0;
    std::string type;
  };
  void read_header();
  Column parse_column(const std::string& spelled, const std::vector<std::string>& header) const;
  std::expected<rest::Record, std::string> from_csv(const std::vector<std::string>& fields) const;
  std::string full_name(std::string id) const;

  std::istream& in_;
  SourceOptions options_;
  std::vector<Column> columns_;
  std::size_t id_position_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace idnode::ctl
