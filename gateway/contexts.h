// What a laptop knows of gateways it enrolled with: one directory each, below ~/.config/delvegate/contexts.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/identity.h"
#include "auth/tls.h"
#include "gateway/config.h"
#include "gateway/via.h"

namespace gateway {

// $XDG_CONFIG_HOME/delvegate or ~/.config/delvegate
std::string default_laptop_directory();

// HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT
std::optional<host_port> parse_gateway(const std::string& text, std::uint16_t default_port);

struct laptop_context {
    laptop_context() = default;  // no aggregate: an error's text must not look like one
    std::string name;
    host_port gateway;          // where links go
    long long renew_until = 0;  // seconds since the epoch
    via_way via;                // how to get there
};

// Directories are 0700, files 0600. Every change is one rename of something that is on disk already: a
// reader sees the old state or the new one, and so does whoever comes after a crash.
class context_store {
public:
    explicit context_store(std::string root = default_laptop_directory()) : root_(std::move(root)) {}

    static bool good_name(std::string_view name);  // 1 to 64 of letters, digits, - _ . and no . in front
    static std::string name_for(const std::string& host);

    std::vector<std::string> names() const;  // sorted
    auth::outcome<laptop_context> read(const std::string& name) const;
    std::string directory(const std::string& name) const { return root_ + "/contexts/" + name; }
    // Certificate and key are one file, so that they change together.
    auth::tls_files files(const std::string& name) const;
    // Of its certificate.
    auth::outcome<auth::identity> who(const std::string& name) const;

    std::optional<std::string> current() const;
    auth::outcome<void> use(const std::string& name);
    auth::outcome<void> remove(const std::string& name);
    auth::outcome<void> set_via(const std::string& name, const via_way& via);

    // A place for a new context, made before anything is asked of a gateway: what this disk does not
    // allow costs no token. It is gone again, and so are directories made for it, unless commit() did it.
    class draft {
    public:
        draft(draft&& other) noexcept;
        draft& operator=(draft&&) = delete;
        ~draft();
        // `identity` is the certificate and its key in PEM. Takes the place of a context of that name.
        auth::outcome<void> commit(const laptop_context& context, std::string_view identity, std::string_view ca);

    private:
        friend class context_store;
        draft() = default;
        std::string root_;
        std::string path_;               // empty: committed
        std::vector<std::string> made_;  // directories that were not there before, outer ones first
    };
    auth::outcome<draft> begin();

    // Tells one certificate with its key from any other that was ever stored there; no secret.
    auth::outcome<std::string> identity_version(const std::string& name) const;
    // Only where that version is still there: what somebody has enrolled or renewed meanwhile stays, and the answer is false. That
    // holds even where they enrol in the very moment: what is replaced is in the directory that was looked at.
    auth::outcome<bool> replace_identity(const std::string& name, std::string_view version, std::string_view identity);

private:
    std::string root_;
};

}  // namespace gateway
