#include "gateway/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>

#include "protocol/json.h"

namespace gateway {
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

}  // namespace

void set_up_log(std::string_view level, std::string_view format) {
    auto logger = std::make_shared<spdlog::logger>(
        "delvegate", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    auto formatter = std::make_unique<spdlog::pattern_formatter>();
    formatter->add_flag<json_message>('*');
    formatter->set_pattern(format == "json"
                               ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})"
                               : "%Y-%m-%d %H:%M:%S.%e %l: %v");
    logger->set_formatter(std::move(formatter));
    logger->set_level(spdlog::level::from_str(std::string(level)));
    logger->flush_on(spdlog::level::trace);
    spdlog::set_default_logger(std::move(logger));
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
