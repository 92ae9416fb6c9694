#include "gateway/session_words.h"

#include "gateway/hub.h"

namespace gateway {

using protocol::json;

baton::told carry_out(hub& of, const auth::identity& who, const auth::grants& rights, const protocol::session_words& words) {
    const auto refused = [](std::string why) { return baton::told(boost::system::in_place_error, std::move(why)); };
    auto names = words.names;
    // In a terminal the component is named; here it may be.
    if (!names.empty() && names.front() == of.name() && (words.verb != "give" || names.size() > 1)) names.erase(names.begin());
    if (words.subject != "baton" || names.size() > (words.verb == "give" ? 1u : 0u))
        return refused("delvegate knows here: delvegate baton, and delvegate baton ask, give [USER], take, drop");
    const bool rules = rights.allows("baton", {protocol::op_class::lifecycle});
    return of.baton().carry_out(person_of(who), rules, words.verb, names.empty() ? std::string() : names.front());
}

json text_variable(std::string_view name, std::string_view text) {
    constexpr std::int64_t kind_string = 24;  // reflect.String
    json v = json::object{};
    v.set("name", name);
    v.set("addr", 0);
    v.set("onlyAddr", false);
    v.set("type", "string");
    v.set("realType", "string");
    v.set("flags", 0);
    v.set("kind", kind_string);
    v.set("value", text);
    v.set("len", static_cast<std::int64_t>(text.size()));
    v.set("cap", 0);
    v.set("children", json::array{});
    v.set("base", 0);
    v.set("unreadable", "");
    v.set("LocationExpr", "");
    v.set("DeclLine", 0);
    return v;
}

}  // namespace gateway
