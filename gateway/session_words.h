// Words that people type to delvegate itself, in whatever place they are typed (protocol/session_words.h).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "auth/identity.h"
#include "auth/policy.h"
#include "gateway/baton.h"
#include "protocol/json.h"
#include "protocol/session_words.h"

namespace gateway {

class hub;
class viewer;

// Does what they say, for the person of a view of that hub, whose right to it has been judged (protocol::judge gives the
// classes); `done` gets the answer, or why not, once, at once or later. `rights` says whether what is another's may be given,
// dropped and ended, too.
void carry_out(hub& of, const viewer& from, const auth::grants& rights, const protocol::session_words& words,
               const std::function<void(const baton::told&)>& done);

// A text as Delve's api.Variable, which is what a client of its Eval shows.
protocol::json text_variable(std::string_view name, std::string_view text);

}  // namespace gateway
