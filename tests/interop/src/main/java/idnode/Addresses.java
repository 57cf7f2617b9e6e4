package idnode;

/** Who is where, and which prefixes are whose. `hosted` and `listed` live at the secondary, `pointer` at the enterprise. */
record Addresses(String national, String secondary, String enterprise, String prefix) {
  String hosted() {
    return prefix + ".5";
  }

  String listed() {
    return prefix + ".6";
  }

  String pointer() {
    return prefix + ".7";
  }
}
