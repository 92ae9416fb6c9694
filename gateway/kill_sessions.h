// What `delvegate sessions kill` asks for, done.
#pragma once

#include <string_view>

#include "gateway/authority.h"
#include "gateway/endpoints.h"
#include "gateway/http_api.h"

namespace gateway {

// `body`: {"user":…} or {"session":…}, and perhaps {"reason":…}. Ends every connection of the user, or one
// IDE connection, at once. 200 with {"sessions","connections"}: how many; 404 where there was none.
http_answer kill_sessions(std::string_view body, endpoints& components, client_authority& identities);

}  // namespace gateway
