// Rules that take secrets out of what the audit records.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "auth/tls.h"

namespace auth {

// Regular expressions of RE2: time is linear in the text, whoever wrote it. Each match becomes
// "[redacted]". May be used by several threads at once.
class audit_redactor {
public:
    audit_redactor();
    ~audit_redactor();
    audit_redactor(audit_redactor&&) noexcept;
    audit_redactor& operator=(audit_redactor&&) noexcept;

    // Error: the expression and what is wrong with it. One that matches nothing at all ("x*") is
    // refused: it would mark every place between two characters.
    static outcome<audit_redactor> make(const std::vector<std::string>& rules);

    bool empty() const { return rules_.empty(); }
    // Text beyond 64 KiB is dropped, not let through.
    std::string redact(std::string_view text) const;

private:
    struct rule;
    std::vector<std::unique_ptr<rule>> rules_;
};

}  // namespace auth
