package idnode;

import java.util.ArrayList;
import java.util.List;

/** The lines of one part of the program, in its own order: one thread writes it. */
final class Transcript {
  private final String name;
  private final List<String> lines = new ArrayList<>();
  private int failed;

  Transcript(String name) {
    this.name = name;
  }

  /** One step: it is kept, and counted as failed when the code is another than is known beforehand. */
  Answer step(String what, String wanted, Answer answer) {
    String line = name + ": " + what + " -> " + answer;
    lines.add(line);
    if (!wanted.equals(answer.code())) {
      fail(line + " (" + wanted + " was expected)");
    }
    return answer;
  }

  Answer step(String what, int wanted, Answer answer) {
    return step(what, Integer.toString(wanted), answer);
  }

  /** A fact that holds or not. */
  void fact(String what, boolean holds) {
    String line = name + ": " + what + " -> " + (holds ? "yes" : "no");
    lines.add(line);
    if (!holds) {
      fail(line);
    }
  }

  private void fail(String line) {
    failed++;
    System.out.println("FAILED " + line);
  }

  List<String> lines() {
    return lines;
  }

  int failed() {
    return failed;
  }
}
