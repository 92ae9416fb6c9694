// What is true of the whole process and asked once. Each is answered without the target's lock, or at a time when the
// target stands.
#pragma once

#include <string_view>

namespace gateway {

inline constexpr std::string_view fixed_methods[] = {
    "RPCServer.ProcessPid",  "RPCServer.LastModified",
    "RPCServer.BuildID",     "RPCServer.AttachedToExistingProcess",
    "RPCServer.ListTargets", "RPCServer.FollowExecEnabled",
};

}  // namespace gateway
