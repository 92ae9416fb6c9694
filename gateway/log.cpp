#include "gateway/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "gateway/component_log.h"
#include "gateway/session_log.h"
#include "protocol/json.h"

namespace gateway {

thread_local const session_mark* session_mark::current_ = nullptr;

bool stderr_is_the_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat info {};
    if (!stream || ::fstat(STDERR_FILENO, &info) != 0) return false;
    return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) == stream;
}

namespace {

// %* in the pattern: the message as a JSON string.
class json_message final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        std::string text;
        protocol::append_string(text, {message.payload.data(), message.payload.size()});
        out.append(text.data(), text.data() + text.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<json_message>();
    }
};

// %& in the pattern: further members of the JSON object.
class json_session final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg&, const std::tm&, spdlog::memory_buf_t& out) override {
        const auto* mark = session_mark::current();
        if (!mark) return;
        std::string text;
        for (const auto& [key, value] : {std::pair(",\"session\":", mark->session()), std::pair(",\"component\":", mark->component()),
                                         std::pair(",\"launcherSession\":", mark->of_launcher())}) {
            if (value.empty()) continue;
            text += key;
            protocol::append_string(text, value);
        }
        out.append(text.data(), text.data() + text.size());
    }
    std::unique_ptr<custom_flag_formatter> clone() const override { return std::make_unique<json_session>(); }
};

// Entries with fields of their own. Where the journal does not take one, it goes to standard error.
class journal_sink final : public spdlog::sinks::base_sink<std::mutex> {
protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        // Of syslog: debug, info, notice, warning, err, crit.
        static constexpr std::array<char, 7> priorities{'7', '7', '6', '4', '3', '2', '6'};
        const std::string said(message.payload.data(), message.payload.size());
        std::vector<std::string> fields{"MESSAGE=" + said, std::string("PRIORITY=") + priorities[static_cast<std::size_t>(message.level)],
                                        "SYSLOG_IDENTIFIER=delvegate"};
        if (const auto* mark = session_mark::current()) {
            const auto add = [&fields](std::string name, std::string_view value) {
                if (!value.empty()) fields.push_back((name += '=').append(value));
            };
            add("DELVEGATE_SESSION", mark->session());
            add("DELVEGATE_COMPONENT", mark->component());
            add("DELVEGATE_LAUNCHER_SESSION", mark->of_launcher());
        }
        std::vector<iovec> parts;
        for (auto& field : fields) parts.push_back({field.data(), field.size()});
        if (::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0) return;
        const std::string line = said + "\n";
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
    }
    void flush_() override {}
};

}  // namespace

void set_up_log(std::string_view level, std::string_view format) {
    const bool journal = format == "journal" || (format == "auto" && stderr_is_the_journal());
    std::shared_ptr<spdlog::sinks::sink> sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    if (journal) sink = std::make_shared<journal_sink>();
    auto logger = std::make_shared<spdlog::logger>("delvegate", std::move(sink));
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<json_message>('*');
    formatter->add_flag<json_session>('&');
    formatter->set_pattern(format == "json"
                               ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*%&})"
                               : "%Y-%m-%d %H:%M:%S.%e %l: %v");
    logger->set_formatter(std::move(formatter));
    logger->set_level(spdlog::level::from_str(std::string(level)));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
}

void component_log::say(spdlog::level::level_enum level, const std::string& text) const {
    const auto* outer = session_mark::current();
    const bool within = outer && outer->component() == component_;
    const session_mark mark(within ? outer->session() : std::string_view{}, component_,
                            within && of_launcher_.empty() ? outer->of_launcher() : of_launcher_);
    log().log(level, "{}: {}", component_, text);
}

bool log_gate::open(const std::string& source, time_point now, std::size_t& skipped) {
    skipped = 0;
    const auto found = sources_.find(source);
    if (found != sources_.end() && now - found->second.last < std::chrono::seconds(1)) {
        ++found->second.skipped;
        return false;
    }
    if (found == sources_.end() && sources_.size() >= max_sources) {
        // From very many sources at once: those that fell silent make room, else all speak as one.
        std::erase_if(sources_, [now](const auto& item) {
            return now - item.second.last >= std::chrono::seconds(1);
        });
        if (sources_.size() >= max_sources) return false;
    }
    auto& slot = sources_[source];
    skipped = std::exchange(slot.skipped, 0);
    slot.last = now;
    return true;
}

}  // namespace gateway
