package idnode;

import java.net.InetAddress;
import net.handle.hdllib.AbstractRequest;
import net.handle.hdllib.GenericRequest;
import net.handle.hdllib.GetSiteInfoResponse;
import net.handle.hdllib.HandleResolver;
import net.handle.hdllib.Interface;
import net.handle.hdllib.SimpleConfiguration;
import net.handle.hdllib.SiteInfo;
import net.handle.hdllib.Util;

/**
 * A resolver as the library makes it. Its global sites are the national node's alone, so that it finds every prefix from there; sessions
 * are as they come, or off. Caches, time-outs and the checking of signatures are the library's own.
 */
final class Client {
  private Client() {}

  /** Speaks TCP only. */
  static HandleResolver make(SiteInfo global, boolean sessions) {
    HandleResolver resolver = anyTransport(global, sessions);
    resolver.setPreferredProtocols(new int[] {Interface.SP_HDL_TCP});
    return resolver;
  }

  /** Asks over UDP first, as the library does; changes go over TCP, where the site offers them. */
  static HandleResolver anyTransport(SiteInfo global, boolean sessions) {
    HandleResolver resolver = new HandleResolver();
    resolver.setConfiguration(configuration(global));
    if (!sessions) {
      resolver.setSessionTracker(null);
    }
    return resolver;
  }

  /** Never asks the real root whether it has changed. */
  static SimpleConfiguration configuration(SiteInfo global) {
    SimpleConfiguration configuration =
        new SimpleConfiguration() {
          @Override
          public boolean isAutoUpdateRootInfo() {
            return false;
          }
        };
    configuration.setGlobalSites(new SiteInfo[] {global});
    return configuration;
  }

  /** What a node says about itself. */
  static SiteInfo siteOf(String endpoint) throws Exception {
    int colon = endpoint.lastIndexOf(':');
    InetAddress address = InetAddress.getByName(endpoint.substring(0, colon));
    AbstractRequest request = new GenericRequest(Util.encodeString("/"), AbstractRequest.OC_GET_SITE_INFO, null);
    HandleResolver resolver = new HandleResolver();
    resolver.setConfiguration(new SimpleConfiguration());
    return ((GetSiteInfoResponse) resolver.sendHdlTcpRequest(request, address, Integer.parseInt(endpoint.substring(colon + 1)))).siteInfo;
  }
}
