// Tells a service manager about the life of the server, by sd_notify(3)'s protocol. Main thread.
#pragma once

#include <string>
#include <string_view>

namespace millrace::tools {

// Sends `state` ("READY=1", "STOPPING=1") as one datagram to the socket in `notify_socket`, which
// is $NOTIFY_SOCKET: a path, or '@' and an abstract name. Nothing happens where it is null or
// empty. False when there is a socket and the datagram couldn't be sent.
bool notify_service_manager(const char* notify_socket, std::string_view state);

}  // namespace millrace::tools
