#include "ops/ctl/record_source.h"

#include <algorithm>

#include "ops/ctl/context.h"
#include "ops/ctl/csv.h"
#include "protocol/identifier.h"

namespace idnode::ctl {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::size_t position_of(const std::vector<std::string>& header, const std::string& name) {
  auto found = std::find(header.begin(), header.end(), name);
  if (found == header.end()) throw Stop(kUsage, "the CSV header has no column " + name);
  return static_cast<std::size_t>(found - header.begin());
}

}  // namespace

RecordSource::RecordSource(std::istream& in, SourceOptions options) : in_(in), options_(std::move(options)) {
  if (options_.csv) read_header();
}

RecordSource::Column RecordSource::parse_column(const std::string& spelled,
                                                const std::vector<std::string>& header) const {
  std::size_t equals = spelled.rfind('=');
  std::size_t colon = equals == std::string::npos ? equals : spelled.find(':', equals);
  Column column;
  try {
    if (colon == std::string::npos) throw std::invalid_argument("form");
    column.index = static_cast<std::uint32_t>(std::stoul(spelled.substr(equals + 1, colon - equals - 1)));
  } catch (const std::exception&) {
    throw Stop(kUsage, "--map: COLUMN=INDEX:TYPE is needed, not " + spelled);
  }
  column.type = spelled.substr(colon + 1);
  column.position = position_of(header, spelled.substr(0, equals));
  return column;
}

void RecordSource::read_header() {
  auto header = read_csv_record(in_);
  number_ = 1;
  if (!header) throw Stop(kUsage, "the CSV file is empty: a header line is needed");
  if (header->front().starts_with(kByteOrderMark)) header->front().erase(0, kByteOrderMark.size());
  if (!options_.id_column.empty()) id_position_ = position_of(*header, options_.id_column);
  for (const std::string& spelled : options_.columns) columns_.push_back(parse_column(spelled, *header));
  if (!columns_.empty()) return;
  for (std::size_t i = 0; i < header->size(); ++i) {
    if (i != id_position_)
      columns_.push_back({i, static_cast<std::uint32_t>(columns_.size() + 1), fold((*header)[i])});
  }
}

std::string RecordSource::full_name(std::string id) const {
  return options_.prefix.empty() || has_slash(id) ? id : options_.prefix + "/" + id;
}

std::expected<rest::Record, std::string> RecordSource::from_csv(
    const std::vector<std::string>& fields) const {
  if (fields.size() <= id_position_ || fields[id_position_].empty())
    return std::unexpected("the id column is empty");
  rest::Record record;
  record.handle = full_name(fields[id_position_]);
  for (const Column& column : columns_) {
    if (column.position >= fields.size() || fields[column.position].empty()) continue;
    auto data = rest::data_from_text(column.type, fields[column.position]);
    if (!data) return std::unexpected(data.error());
    record.values.push_back(
        {.index = column.index, .type = column.type, .data = std::move(*data), .references = {}});
  }
  return record;
}

std::optional<SourceLine> RecordSource::next() {
  if (options_.csv) {
    auto fields = read_csv_record(in_);
    if (!fields) return std::nullopt;
    ++number_;
    if (fields->size() == 1 && fields->front().empty()) return next();
    return SourceLine{number_, from_csv(*fields)};
  }
  for (std::string line; std::getline(in_, line);) {
    ++number_;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto record = rest::decode_record(line);
    if (record && record->handle.empty()) return SourceLine{number_, std::unexpected("handle is missing")};
    if (record) record->handle = full_name(std::move(record->handle));
    return SourceLine{number_, std::move(record)};
  }
  return std::nullopt;
}

}  // namespace idnode::ctl
