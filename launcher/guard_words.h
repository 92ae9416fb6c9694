// Small readings that guard and launcher share: classes by name, states by name.
#pragma once

#include <string>
#include <string_view>

#include "launcher/guard_control.h"
#include "launcher/outcome.h"
#include "protocol/json.h"
#include "protocol/operations.h"

namespace launcher {

protocol::json class_names(protocol::class_set set);                    // ["observe","read"]
outcome<protocol::class_set> classes_of(const protocol::json& names);  // an unknown name is an error

protocol::json to_json(const guard_status& status);
guard_status status_from(const protocol::json& value);

}  // namespace launcher
