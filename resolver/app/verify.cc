#include "resolver/app/verify.h"

#include "protocol/bytes.h"
#include "storage/data_folder.h"
#include "storage/log/replay.h"
#include "storage/rocks_store.h"

namespace idnode {

Opened<std::vector<std::string>> verify_node(const Config& config) {
  const std::string& data = config.settings.node.data;
  const auto folder = DataFolder::open(data, config.settings.node.case_sensitive);
  const bool running = !folder && folder.error().code == Errc::kBusy;
  if (!folder && !running) return std::unexpected(folder.error());

  // An older folder gets its watermark at the next start.
  const bool marked = running || folder->format() >= kWatermarkFormat;
  const std::string watermark = data + "/WATERMARK";
  const auto chain = verify_chain(data + "/log", real_files(), marked ? watermark : std::string());
  if (!chain && chain.error().text.starts_with(watermark + ":")) {
    // Whether the log alone is whole matters most then.
    if (const auto alone = verify_chain(data + "/log"); !alone) return std::unexpected(alone.error());
  }
  if (!chain) return std::unexpected(chain.error());
  std::vector<std::string> lines = {
      "log: sequences " + std::to_string(chain->first) + " to " + std::to_string(chain->last) + " in " +
          std::to_string(chain->groups) + " groups, whole; last hash " + to_hex(chain->hash) +
          (chain->torn ? "; an unfinished group follows, which the next start cuts off" : ""),
      marked ? "watermark: synced up to " + std::to_string(chain->mark.sequence) +
                   ", the store durable up to " + std::to_string(chain->mark.store)
             : "watermark: none, made at the next start"};
  if (running) {
    lines.emplace_back("store: not read, the node is running");
    return lines;
  }
  const auto applied = RocksStore::verify(folder->store());
  if (!applied) return std::unexpected(applied.error());
  if (const auto current = check_store(watermark, *applied, chain->mark); !current)
    return std::unexpected(current.error());
  lines.push_back("store: durable up to " + std::to_string(*applied) + ", every checksum holds");
  return lines;
}

}  // namespace idnode
