// The sample file, show-config and the manual come from the same table.
#include "resolver/app/config_text.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace idnode {
namespace {

std::string file_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(Sample, TheShippedFileIsTheGeneratedOne) {
  EXPECT_EQ(file_text(std::string(IDNODE_SOURCE_DIR) + "/ops/deploy/idnode.toml"), sample_config())
      << "build/dev/idnode show-config --sample > ops/deploy/idnode.toml";
}

TEST(Sample, IsAFileThatWorks) {
  const Config config = parse_config("idnode.toml", sample_config());
  EXPECT_TRUE(config.ok());
  EXPECT_EQ(config.settings.node.prefixes, std::vector<std::string>{"88.118"});
  EXPECT_EQ(config.settings.node.data, "/var/lib/idnode/data");
}

TEST(Sample, WithEverythingSwitchedOnItSaysTheDefaults) {
  std::istringstream in(sample_config());
  std::string text;
  std::size_t uncommented = 0;
  for (std::string line; std::getline(in, line);) {
    const bool setting = line.size() > 1 && line[0] == '#' && line[1] != ' ';
    uncommented += setting ? 1 : 0;
    text += (setting ? line.substr(1) : line) + "\n";
  }
  EXPECT_GE(uncommented, 60U);
  const Config config = parse_config("idnode.toml", text);
  ASSERT_TRUE(config.ok()) << error_text(config, config.errors[0]);
  Config plain = parse_config("idnode.toml", sample_config());
  for (const Field& field : fields()) EXPECT_EQ(field.show(config.settings), field.show(plain.settings));
}

TEST(ShowConfig, NamesTheOriginOfEverySetting) {
  const Config config = parse_config("/c/idnode.toml", "[node]\nprefixes = [\"88.118\"]\nworkers = 3\n");
  const std::string shown = show_config(config, false);
  const std::string prefixes = "prefixes = [\"88.118\"]" + std::string(25, ' ') + "# /c/idnode.toml:2\n";
  EXPECT_NE(shown.find(prefixes), std::string::npos) << shown;
  EXPECT_NE(shown.find("data = \"var/data\""), std::string::npos);
  EXPECT_NE(shown.find("# default\n"), std::string::npos);
  const std::string effective = show_config(config, true);
  EXPECT_NE(effective.find("data = \"/c/var/data\""), std::string::npos);
  EXPECT_NE(effective.find("site_port = 2641"), std::string::npos);
  // Both are files that say the same again.
  EXPECT_TRUE(parse_config("/c/idnode.toml", shown).ok());
  EXPECT_TRUE(parse_config("/c/idnode.toml", effective).ok());
}

TEST(Manual, HasEverySetting) {
  const std::string page = manual_of_config();
  for (const Field& field : fields())
    EXPECT_NE(page.find("\n.B " + field.name + "\n"), std::string::npos) << field.name;
  EXPECT_TRUE(page.starts_with(".TH "));
  EXPECT_TRUE(manual_of_program().starts_with(".TH IDNODE 8"));
}

}  // namespace
}  // namespace idnode
