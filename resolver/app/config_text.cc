#include "resolver/app/config_text.h"

#include <algorithm>

namespace idnode {
namespace {

constexpr std::size_t kWidth = 110;

// "# " in front of every line, broken between words.
void comment(std::string& out, std::string_view text) {
  std::string line = "#";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (line.size() + 1 + end > kWidth) {
      out += line + "\n";
      line = "#";
    }
    line += " " + std::string(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  out += line + "\n";
}

std::string facts(const Field& field) {
  std::string out = field.type;
  if (!field.range.empty()) out += ", " + field.range;
  out += field.change == Change::kLive ? "; a reload changes it" : "; needs a restart";
  return out;
}

// What a `-`, a leading dot or quote and a backslash need in roff.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += "\\&";
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string effective_value(const Field& field, const Settings& settings) {
  const std::string name = field.table + "." + field.name;
  if (name == "node.workers") return std::to_string(worker_count(settings));
  if (name == "node.site_port" && !settings.listen.handle.empty()) {
    return std::to_string(site_port(settings, settings.listen.handle.front().port));
  }
  return field.show(settings);
}

}  // namespace

std::string sample_config() {
  std::string out = "# Settings of idnode. What is commented out is the default.\n";
  std::string table;
  for (const Field& field : fields()) {
    if (field.table != table) {
      table = field.table;
      out += "\n";
      comment(out, table_help(table));
      out += "[" + table + "]\n";
    }
    std::string help = field.help + " (" + facts(field);
    if (!field.example.empty()) help += "; default " + field.fallback;
    comment(out, help + ")");
    out += field.example.empty() ? "#" + field.name + " = " + field.fallback + "\n"
                                 : field.name + " = " + field.example + "\n";
  }
  return out;
}

std::string show_config(const Config& config, bool effective) {
  std::string out;
  std::string table;
  for (std::size_t i = 0; i < fields().size(); ++i) {
    const Field& field = fields()[i];
    if (field.table != table) {
      out += (table.empty() ? "[" : "\n[") + field.table + "]\n";
      table = field.table;
    }
    std::string line = field.name + " = ";
    line += effective ? effective_value(field, config.settings) : config.written[i];
    if (line.size() < 44) line.append(44 - line.size(), ' ');
    const std::size_t from = config.lines[i];
    out += line + "  # " + (from == 0 ? "default" : config.file + ":" + std::to_string(from)) + "\n";
  }
  return out;
}

std::string manual_of_config() {
  std::string out =
      ".TH IDNODE.TOML 5 \"\" \"idnode\" \"File formats\"\n.SH NAME\nidnode.toml \\- settings of idnode\n"
      ".SH DESCRIPTION\nA TOML file. Unknown settings are errors. Relative paths start at the file's "
      "folder.\n"
      ".B idnode check\\-config\nprints every error with its line,\n.B idnode show\\-config\n"
      "every setting with its origin.\n";
  std::string table;
  for (const Field& field : fields()) {
    if (field.table != table) {
      table = field.table;
      out += ".SH [" + table + "]\n" + roff(table_help(table)) + "\n";
    }
    out += ".TP\n.B " + roff(field.name) + "\n" + roff(field.help) + "\nDefault: " + roff(field.fallback) +
           " (" + roff(facts(field)) + ").\n";
  }
  return out;
}

std::string manual_of_program() {
  return R"(.TH IDNODE 8 "" "idnode" "System administration"
.SH NAME
idnode \- identifier node of the Handle System
.SH SYNOPSIS
.B idnode \-\-config
.I FILE
.br
.B idnode init \-\-config
.I FILE
.B \-\-key\-out
.I DIR
[\fB\-\-key\-type\fR rsa|p256|ed25519|sm2] [\fB\-\-force\fR]
.br
.B idnode verify \-\-config
.I FILE
.br
.B idnode check\-config \-\-config
.I FILE
.br
.B idnode show\-config
[\fB\-\-config\fR \fIFILE\fR] [\fB\-\-effective\fR] [\fB\-\-sample\fR]
.br
.B idnode manual
[\fB\-\-file\-format\fR]
.SH DESCRIPTION
Registers identifiers, answers for them, points to enterprises that answer for themselves and asks upstream nodes
about everything else. Runs in the foreground and logs to stderr. One line that starts with READY says that every
listener is open; the ports are in
.I listeners.json
of the data folder.
.SH COMMANDS
.TP
.B init
Makes the data folder, the node's key, the records of its own prefixes, the first administrator and its key files in
.IR DIR .
With
.B \-\-force
key files in
.I DIR
are replaced; a data folder that holds a store never is.
.TP
.B verify
Reads all of the commit log, the watermark and, unless the node is running, the store. Prints what it found whole, or one
line with file and place. Changes nothing.
.TP
.B check\-config
Prints ok, or every error with file and line.
.TP
.B show\-config
Prints every setting with its origin; with
.B \-\-effective
what the node would use; with
.B \-\-sample
a file to start from.
.TP
.B manual
Prints this page, or with
.B \-\-file\-format
that of the file.
.SH SIGNALS
.TP
.B SIGHUP
Reads the file again. All of it is applied, or nothing: an error or a change that needs a restart is logged.
.TP
.B SIGTERM, SIGINT
Finishes what has begun, at most 10 seconds, and ends. The second one ends at once.
.TP
.B SIGUSR1
Opens the access log again.
.SH FILES
Of the data folder:
.I log
is the truth.
.I store
is made from it; a damaged one may be moved away while the node is stopped, and the next start makes it again.
.I WATERMARK
says up to where both were on the disk. When it is missing or damaged, the node does not start. Restore the data folder
from a backup; or, once
.B idnode verify
complains about nothing but
.IR WATERMARK ,
remove it and write 1 into
.IR FORMAT :
the next start makes it for the log as it is, and a loss at its end is no longer noticed.
.SH EXIT STATUS
0 done or drained; 1 failed, with one line that says what to do; 2 usage.
.SH SEE ALSO
.BR idnode.toml (5),
.BR idctl (1)
)";
}

}  // namespace idnode
