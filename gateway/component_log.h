// What is logged of one component: each line begins with its name, and has it as a member or field of its own (session_log.h), so
// that who asks for everything of a component finds it. Within a mark of one of its sessions a line has that session as well.
#pragma once

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>
#include <utility>

namespace gateway {

class component_log {
public:
    // `of_launcher`: in which of the launcher's sessions; empty: none. Both texts outlive this.
    explicit component_log(std::string_view component, std::string_view of_launcher = {}) : component_(component), of_launcher_(of_launcher) {}

    template <class... A>
    void info(spdlog::format_string_t<A...> text, A&&... with) const {
        say(spdlog::level::info, fmt::format(text, std::forward<A>(with)...));
    }
    template <class... A>
    void warn(spdlog::format_string_t<A...> text, A&&... with) const {
        say(spdlog::level::warn, fmt::format(text, std::forward<A>(with)...));
    }
    template <class... A>
    void error(spdlog::format_string_t<A...> text, A&&... with) const {
        say(spdlog::level::err, fmt::format(text, std::forward<A>(with)...));
    }

private:
    void say(spdlog::level::level_enum level, const std::string& text) const;

    const std::string_view component_, of_launcher_;
};

}  // namespace gateway
