package idnode;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Stands between client and node and keeps every octet that passes, so that one can look whether something is readable on the wire. */
final class Relay implements AutoCloseable {
  private final ServerSocket listener;
  private final InetAddress address;
  private final int port;
  private final ByteArrayOutputStream requests = new ByteArrayOutputStream();
  private final ByteArrayOutputStream answers = new ByteArrayOutputStream();

  Relay(InetAddress address, int port) throws IOException {
    this.address = address;
    this.port = port;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  boolean requestsHold(byte[] octets) {
    return holds(requests, octets);
  }

  boolean answersHold(byte[] octets) {
    return holds(answers, octets);
  }

  private static boolean holds(ByteArrayOutputStream seen, byte[] octets) {
    // One character an octet: a search for text is a search for octets.
    return seen.toString(StandardCharsets.ISO_8859_1).contains(new String(octets, StandardCharsets.ISO_8859_1));
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        Socket node = new Socket(address, port);
        start(() -> copy(client, node, requests));
        start(() -> copy(node, client, answers));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  private static void copy(Socket from, Socket to, ByteArrayOutputStream kept) {
    byte[] buffer = new byte[8192];
    try (from; to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        kept.write(buffer, 0, n);
        out.write(buffer, 0, n);
      }
    } catch (IOException e) {
      // One side has closed: so does the other.
    }
  }

  private static void start(Runnable body) {
    Thread thread = new Thread(body);
    thread.setDaemon(true);
    thread.start();
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
