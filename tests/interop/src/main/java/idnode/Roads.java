package idnode;

import java.util.Arrays;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.Interface;
import net.handle.hdllib.ServerInfo;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;

/**
 * From the national node down: it knows the secondary's prefix only, whose HS_SITE.PREFIX says who knows the prefixes below. Those are
 * the secondary's own or point to an enterprise's node.
 */
final class Roads {
  private Roads() {}

  static void follow(HandleResolver resolver, Transcript out, Addresses addresses) throws Exception {
    String secondary = addresses.prefix();
    arrives(resolver, out, secondary, addresses.secondary());
    arrives(resolver, out, addresses.hosted(), addresses.secondary());
    arrives(resolver, out, addresses.pointer(), addresses.enterprise());
    out.step("resolve at the enterprise's node", 1, Question.ask(resolver, addresses.pointer() + "/CHAIR-1"));
    out.step("unknown at the enterprise's node", 100, Question.ask(resolver, addresses.pointer() + "/none"));
    out.step("unknown below the hosted prefix", 100, Question.ask(resolver, addresses.hosted() + "/none"));
    out.step("the hosted prefix's record", 1, Question.ask(resolver, "0.NA/" + addresses.hosted(), 1, 2, 5));
    out.step("the pointer prefix's record", 1, Question.ask(resolver, "0.NA/" + addresses.pointer(), 1, 2, 5));
    out.step("a prefix nobody registered below ours", "threw SERVICE_NOT_FOUND", Question.ask(resolver, secondary + ".404/x"));
    out.step("a prefix nobody registered", "threw SERVICE_NOT_FOUND", Question.ask(resolver, "88.404/x"));
  }

  private static void arrives(HandleResolver resolver, Transcript out, String prefix, String endpoint) throws Exception {
    SiteInfo[] sites = resolver.findLocalSitesForNA(Util.encodeString("0.NA/" + prefix));
    String found = Arrays.stream(sites).flatMap(s -> Arrays.stream(s.servers)).map(Roads::tcp).findFirst().orElse("none");
    out.fact("the site of " + prefix + " is found", found.equals(endpoint) && sites.length == 1);
  }

  private static String tcp(ServerInfo server) {
    int port = Arrays.stream(server.interfaces).filter(i -> i.protocol == Interface.SP_HDL_TCP).mapToInt(i -> i.port).findFirst().orElse(0);
    return server.getInetAddress().getHostAddress() + ":" + port;
  }
}
