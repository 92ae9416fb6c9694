// dlv's end of a connection, with nothing behind it: a test says what it sends, byte by byte if need be.
#pragma once

#include <gtest/gtest.h>

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <functional>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "launcher/dlv_address.h"
#include "tests/unit/gateway/loop.h"

namespace gateway {

class fake_dlv {
    using unix_stream = boost::asio::local::stream_protocol;

public:
    explicit fake_dlv(boost::asio::io_context& io)
        : io_(io), acceptor_(io, unix_stream::endpoint(path())), connection_(io) {}

    launcher::dlv_address address() const {
        return {.how = launcher::dlv_address::kind::unix_socket, .path = path(), .host = {}, .port = 0};
    }

    // The next connection, in place of the one before.
    void accept() {
        connection_ = acceptor_.accept();
        connection_.non_blocking(true);
        heard_.clear();
    }

    // What was sent to it so far, once `enough` says so.
    const std::string& hear(const std::function<bool(const std::string&)>& enough) {
        EXPECT_TRUE(run_until(io_, [&] {
            char bytes[4096];
            boost::system::error_code ec;
            while (auto n = connection_.read_some(boost::asio::buffer(bytes), ec)) heard_.append(bytes, n);
            return enough(heard_);
        })) << "heard only: " << heard_.substr(0, 400);
        return heard_;
    }

    // Sends, and runs the loop until all of it was read at the other end: a piece for itself, then.
    void say(std::string_view bytes) {
        while (!bytes.empty()) {
            boost::system::error_code ec;
            const auto n = connection_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), ec);
            if (ec && ec != boost::asio::error::would_block) return;  // the other end hung up
            bytes.remove_prefix(n);
            io_.restart();
            io_.poll();
        }
        EXPECT_TRUE(run_until(io_, [&] { return unread() == 0; }));
        io_.restart();
        io_.poll();
    }

    // Sends what fits without anybody reading it.
    std::size_t offer(std::string_view bytes) {
        boost::system::error_code ec;
        return connection_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), ec);
    }

    int unread() {
        int bytes = 0;
        ::ioctl(connection_.native_handle(), SIOCOUTQ, &bytes);
        return bytes;
    }

    void hang_up() { connection_.close(); }
    bool was_left() {
        char byte;
        boost::system::error_code ec;
        connection_.read_some(boost::asio::buffer(&byte, 1), ec);
        return ec == boost::asio::error::eof || ec == boost::asio::error::connection_reset;
    }

private:
    std::string path() const { return directory_.path() + "/dlv.sock"; }

    temporary_directory directory_;
    boost::asio::io_context& io_;
    unix_stream::acceptor acceptor_;
    unix_stream::socket connection_;
    std::string heard_;
};

}  // namespace gateway
