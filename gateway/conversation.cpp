#include "gateway/conversation.h"

#include <utility>

namespace gateway {

// Messages that came whole are not copied.
template <class Whole, class Start, class Pass>
void conversation::cut(direction& way, std::string_view bytes, Whole whole, Start start, Pass pass) {
    while (!bytes.empty()) {
        if (way.raw) return pass(bytes);
        protocol::error_code ec;
        const auto taken = way.edges->take(bytes, ec);
        if (ec) {
            way.raw = true;
            pass(std::exchange(way.held, {}));
            continue;
        }
        const auto piece = bytes.substr(0, taken);
        bytes.remove_prefix(taken);
        const auto header = way.edges->header();
        if (way.edges->ended()) {
            if (std::exchange(way.passes, false)) {
                pass(piece);
            } else if (way.held.empty()) {
                whole(piece, header);
            } else {
                const auto message = std::exchange(way.held, {}) += piece;
                whole(message, header);
            }
        } else if (way.passes) {
            pass(piece);
        } else {
            way.held += piece;
            if (way.held.size() <= largest_held) continue;
            way.passes = true;
            start(std::exchange(way.held, {}), header);
        }
    }
}

void conversation::from_ide(std::string_view bytes) {
    const auto pass = [this](std::string_view piece) { ends_.to_gateway(piece); };
    if (!view_ && !up_.raw) {
        std::size_t skip = 0;
        const auto found = protocol::detect(bytes, skip);
        if (found && !*found) return pass(bytes);
        if (found) {
            dialect_ = **found;
            view_ = dialect_ == protocol::dialect::dap ? remember_dap(ends_) : remember_rpc(ends_);
            up_.edges.emplace(dialect_);
            down_.edges.emplace(dialect_);
        } else {
            up_.raw = true;
        }
        pass(bytes.substr(0, skip));
        bytes.remove_prefix(skip);
    }
    cut(
        up_, bytes, [this](std::string_view message, std::size_t header) { view_->from_ide(message, header); },
        [&](const std::string& beginning, std::size_t) {
            large_ = true;
            pass(beginning);
        },
        pass);
}

void conversation::from_gateway(std::string_view bytes) {
    const auto pass = [this](std::string_view piece) { ends_.to_ide(piece); };
    if (!view_) return pass(bytes);
    cut(
        down_, bytes, [this](std::string_view message, std::size_t header) { view_->from_gateway(message, header); },
        [&](const std::string& beginning, std::size_t header) { pass(view_->passing(beginning, header)); }, pass);
}

std::string conversation::release() {
    up_.raw = true;
    return std::exchange(up_.held, {});
}

std::string conversation::hindrance() const {
    if (up_.raw || down_.raw) return "what was said there was no debug protocol";
    if (large_) return "a request was too large to be remembered";
    if (down_.passes) return "a large answer was on its way";
    return view_ ? view_->hindrance() : std::string();
}

void conversation::gateway_gone() {
    down_ = {};
    if (!view_) return;
    down_.edges.emplace(dialect_);
    view_->gateway_gone();
}

void conversation::begin_again() {
    if (view_) return view_->begin_again();
    ends_.rebuilt();
}

void conversation::end(std::string_view reason) {
    if (view_) view_->end(reason);
}

}  // namespace gateway
