// What dlv has answered to looks at this stop, and who waits for an answer that is on its way: the same look is asked once.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gateway {

class viewer;

class look_answers {
public:
    static constexpr std::size_t max_answer = 256u << 10;  // bytes; larger ones are asked for by everybody
    static constexpr std::size_t max_all = 4u << 20;

    // Whether dlv answers this alike whoever asks, however often, while the target stands.
    static bool shareable(std::string_view method_or_command);

    // Null: not known.
    std::shared_ptr<const std::string> find(const std::string& key) const;
    // `key` has been asked.
    void asked(const std::string& key) { flights_[key]; }
    bool is_asked(const std::string& key) const { return flights_.contains(key); }
    struct waiter {
        const viewer* v;
        std::function<void()> again;  // called when there is an answer, or none that could be kept
        std::function<void(std::string)> refused;
    };
    void wait(const std::string& key, waiter w) { flights_[key].push_back(std::move(w)); }
    // The answer is there. Result: who waited for it.
    std::vector<waiter> answered(const std::string& key, std::string answer);
    // There is none, or none that can be kept.
    std::vector<waiter> given_up(const std::string& key);
    std::vector<waiter> take(const viewer& v);  // who waits, and does not any more
    void forget_flights() { flights_.clear(); }
    // What was true is not any more.
    void clear();

private:
    std::map<std::string, std::shared_ptr<const std::string>, std::less<>> known_;
    std::map<std::string, std::vector<waiter>> flights_;
    std::size_t bytes_ = 0;
};

// The answer to a look as it passes by, for look_answers; given up where it grows too large.
class passing_answer {
public:
    passing_answer() = default;
    explicit passing_answer(std::string key) : key_(std::move(key)) {}
    const std::string& key() const { return key_; }
    bool kept() const { return !key_.empty(); }
    // False: it cannot be kept, from now on.
    bool add(std::string_view bytes) {
        if (text_.size() + bytes.size() > look_answers::max_answer) return false;
        text_ += bytes;
        return true;
    }
    std::string take() { return std::move(text_); }

private:
    std::string key_;
    std::string text_;
};

}  // namespace gateway
