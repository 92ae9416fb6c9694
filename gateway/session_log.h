// Which session a line of the log is about: a member of each JSON line and a field of each entry in the journal that are written
// while a mark lives. In text the line has it where it says so itself.
#pragma once

#include <string_view>

namespace gateway {

class session_mark {
public:
    // `session`: an IDE's, as in the audit and `delvegate sessions`; or of an order to the launcher, as in the audit and the
    // launcher's log. `of_launcher`: in which of the launcher's an IDE's session is; empty: none. The texts outlive the mark.
    session_mark(std::string_view session, std::string_view component, std::string_view of_launcher = {})
        : session_(session), component_(component), of_launcher_(of_launcher), outer_(current_) {
        current_ = this;
    }
    ~session_mark() { current_ = outer_; }
    session_mark(const session_mark&) = delete;
    session_mark& operator=(const session_mark&) = delete;

    static const session_mark* current() { return current_; }  // of this thread; null: none
    std::string_view session() const { return session_; }
    std::string_view component() const { return component_; }
    std::string_view of_launcher() const { return of_launcher_; }

private:
    const std::string_view session_, component_, of_launcher_;
    const session_mark* const outer_;
    static thread_local const session_mark* current_;
};

// Whether standard error is the journal's stream, as systemd says in JOURNAL_STREAM (device:inode).
bool stderr_is_the_journal();

}  // namespace gateway
