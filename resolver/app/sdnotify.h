// What a service manager wants to know: sd_notify(3) spoken by hand over the socket in NOTIFY_SOCKET. Every
// function does nothing, and says false, when there is no such socket.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace idnode {

// "READY=1\nSTATUS=..."; one datagram.
bool notify_service_manager(std::string_view state);
// RELOADING=1 with the monotonic time that Type=notify-reload needs.
bool notify_reloading();
// Half of what the watchdog allows between two WATCHDOG=1, when it watches this process.
std::optional<std::chrono::milliseconds> watchdog_interval();

}  // namespace idnode
