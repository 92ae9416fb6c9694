// A policy file: whatever it is, it is read or refused in one line, and whom it does not name it gives
// nothing.
#include "auth/policy_file.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto parsed = auth::parse_policy(fuzz::text(data, size), "p");
    if (!parsed) {
        must(!parsed.error().empty());
        must(parsed.error().find('\n') == std::string::npos);
        return 0;
    }
    auth::identity who;
    who.user = "\x01 nobody can be called this";
    must(!parsed->sees(who, "component"));
    for (const auto& binding : parsed->bindings()) {
        must(!binding.components.empty());
        must(!binding.users.empty() || !binding.groups.empty());
        if (binding.users.empty()) continue;
        who.user = binding.users.front();
        const auto grants = parsed->of(who, "component");
        for (const auto& row : protocol::operation_table()) {
            const auto decision = grants.decide(row.name, row.classes);
            must(decision.allowed == grants.allows(row.name, row.classes));
            must(!decision.rule.empty());
            must(decision.allowed == decision.remedy.empty());
            must(!decision.allowed || grants.sees());
        }
    }
    return 0;
}
