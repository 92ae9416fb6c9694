// Awaiting something that calls back once.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace gateway {

// `start` gets a callback taking a T, to be called at most once, later or at once. If it is destroyed
// uncalled, the awaiting coroutine is destroyed with it.
template <class T, class Start>
boost::asio::awaitable<T> await_callback(Start start) {
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(T)>(
        [](auto handler, Start begin) {
            // std::function wants to be copyable, a coroutine's handler is not.
            auto shared = std::make_shared<decltype(handler)>(std::move(handler));
            begin([shared](T value) { std::move (*shared)(std::move(value)); });
        },
        boost::asio::use_awaitable, std::move(start));
}

}  // namespace gateway
