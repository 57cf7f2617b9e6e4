package idnode;

import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import net.handle.hdllib.AbstractResponse;
import net.handle.hdllib.AuthenticationInfo;
import net.handle.hdllib.CreateHandleRequest;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.HandleValue;
import net.handle.hdllib.ListHandlesRequest;
import net.handle.hdllib.ListHandlesResponse;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;

/** All handles of a prefix, in several messages of one answer. */
final class Listing {
  static final int HANDLES = 120;

  private Listing() {}

  /** Thread `number` of `threads` creates its share. */
  static void fill(HandleResolver resolver, Transcript out, String prefix, AuthenticationInfo who, int number, int threads) throws Exception {
    for (int i = number; i < HANDLES; i += threads) {
      HandleValue[] values = {Lifecycle.text(1, "SERIAL", Integer.toString(i))};
      CreateHandleRequest request = new CreateHandleRequest(Util.encodeString(name(prefix, i)), values, who);
      out.step("create " + name(prefix, i), 1, Answer.to(resolver, request));
    }
  }

  static void list(HandleResolver resolver, Transcript out, String prefix, String by, AuthenticationInfo who) throws Exception {
    Set<String> wanted = new TreeSet<>();
    for (int i = 0; i < HANDLES; i++) {
      wanted.add(name(prefix, i));
    }
    Set<String> got = new TreeSet<>();
    AtomicInteger listed = new AtomicInteger();
    AtomicInteger messages = new AtomicInteger();
    Answer answer =
        ask(
            resolver,
            prefix,
            who,
            part -> {
              messages.incrementAndGet();
              for (byte[] handle : part.handles) {
                listed.incrementAndGet();
                got.add(Util.decodeString(handle));
              }
            });
    out.step("list by " + by, 1, answer);
    out.fact(listed + " handles, each once", listed.get() == got.size());
    out.fact(messages + " messages", messages.get() > 1);
    out.fact("the handles are those created", wanted.equals(got));
  }

  static void refused(HandleResolver resolver, Transcript out, String prefix, String by, int code, AuthenticationInfo who) throws Exception {
    out.step("list by " + by, code, ask(resolver, prefix, who, part -> {}));
  }

  /** As HandleResolver.listHandlesUnderPrefix does it: asked of the prefix's own server, not from the root down. */
  private static Answer ask(HandleResolver resolver, String prefix, AuthenticationInfo who, Consumer<ListHandlesResponse> parts)
      throws Exception {
    byte[] record = Util.encodeString("0.NA/" + prefix);
    SiteInfo site = resolver.findLocalSitesForNA(record)[0];
    return Answer.to(
        () -> {
          AbstractResponse[] last = new AbstractResponse[1];
          resolver.sendRequestToServer(
              new ListHandlesRequest(record, who),
              site,
              site.servers[0],
              response -> {
                last[0] = response;
                if (response instanceof ListHandlesResponse part) {
                  parts.accept(part);
                }
              });
          return last[0];
        });
  }

  private static String name(String prefix, int number) {
    return String.format("%s/LIST-%03d", prefix, number);
  }
}
