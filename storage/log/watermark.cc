#include "storage/log/watermark.h"

#include <optional>
#include <utility>

#include "protocol/bytes.h"
#include "protocol/crypto/digest.h"

namespace idnode {
namespace {

constexpr std::string_view kMagic = "IDNODWMK";
constexpr std::uint32_t kFormat = 1;
constexpr std::size_t kHashed = 8 + 4 + 8 + 8 + kHashSize + 8;
constexpr std::size_t kSlotSize = kHashed + kHashSize;
// One slot in each page: what is written over one cannot tear the other.
constexpr std::uint64_t kPage = 4096;

void encode(const Mark& mark, std::uint64_t serial, std::string& octets) {
  octets.clear();
  Writer out(octets);
  out.raw(kMagic);
  out.u32(kFormat);
  out.u64(serial);
  out.u64(mark.sequence);
  out.raw(mark.hash);
  out.u64(mark.store);
  crypto::Sha256 sha256;
  sha256.add(octets);
  octets.resize(kSlotSize);
  sha256.finish(octets.data() + kHashed);
}

struct Slot {
  std::uint64_t serial = 0;
  Mark mark;
};

// kCorrupt for a slot that is torn or damaged.
Result<Slot> decode(std::string_view octets) {
  if (octets.size() != kSlotSize) return std::unexpected(Errc::kCorrupt);
  Reader in(octets);
  const bool ours = in.take(kMagic.size()) == kMagic;
  const std::uint32_t format = in.u32();
  Slot slot;
  slot.serial = in.u64();
  slot.mark.sequence = in.u64();
  slot.mark.hash = in.take(kHashSize);
  slot.mark.store = in.u64();
  if (!ours || in.rest() != crypto::digest(crypto::Digest::kSha256, octets.substr(0, kHashed))) {
    return std::unexpected(Errc::kCorrupt);
  }
  if (format > kFormat) return std::unexpected(Errc::kNewerFormat);
  return slot;
}

std::unexpected<OpenError> unreadable(const std::string& path, Errc code) {
  if (code == Errc::kAbsent) {
    return open_error(code, path +
                                ": is missing, so nobody knows whether the log is whole; restore the data "
                                "folder from a backup, or have it made anew: see 'idnode manual', FILES");
  }
  if (code == Errc::kNewerFormat) {
    return open_error(code, path + ": written by a later version; start that version");
  }
  return open_error(
      code, path + ": cannot be read (" + std::string(name(code)) + "); check the disk and the permissions");
}

}  // namespace

Watermark::Watermark(std::unique_ptr<LogFile> file, Mark mark, std::uint64_t serial)
    : file_(std::move(file)), mark_(std::move(mark)), serial_(serial) {
  slot_.reserve(kSlotSize);
}

Result<std::unique_ptr<Watermark>> Watermark::create(LogFiles& files, const std::string& folder,
                                                     const std::string& path, const Mark& mark) {
  auto file = files.create(path);
  if (!file) return std::unexpected(file.error());
  // Both pages whole: later writes need no space.
  std::string octets;
  encode(mark, 2, octets);
  std::string pages = octets + std::string(kPage - octets.size(), '\0');
  encode(mark, 1, octets);
  pages += octets + std::string(kPage - octets.size(), '\0');
  Result<void> done = (*file)->write(0, pages);
  if (done) done = (*file)->sync();
  if (done) done = files.sync_folder(folder);
  if (!done) return std::unexpected(done.error());
  return std::unique_ptr<Watermark>(new Watermark(std::move(*file), mark, 2));
}

Opened<std::unique_ptr<Watermark>> Watermark::open(LogFiles& files, const std::string& path) {
  auto file = files.open(path);
  if (!file) return unreadable(path, file.error());
  std::optional<Slot> newest;
  for (const std::uint64_t offset : {std::uint64_t{0}, kPage}) {
    const auto octets = (*file)->read(offset, kSlotSize);
    if (!octets) return unreadable(path, octets.error());
    auto slot = decode(*octets);
    if (!slot && slot.error() == Errc::kNewerFormat) return unreadable(path, slot.error());
    if (slot && (!newest || slot->serial > newest->serial)) newest = std::move(*slot);
  }
  if (!newest) {
    return open_error(Errc::kCorrupt, path +
                                          ": offset 0: neither of its two slots is whole; restore the data "
                                          "folder from a backup, or have it made anew: see 'idnode manual', "
                                          "FILES");
  }
  return std::unique_ptr<Watermark>(new Watermark(std::move(*file), std::move(newest->mark), newest->serial));
}

Result<void> Watermark::write(const Mark& mark) {
  encode(mark, serial_ + 1, slot_);
  if (const auto written = file_->write((serial_ + 1) % 2 * kPage, slot_); !written) return written;
  ++serial_;
  mark_ = mark;
  return {};
}

}  // namespace idnode
