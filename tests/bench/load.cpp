// The load generator: one mode a run, its numbers as one line of JSON on standard output.
//
//   bench_load MODE [--connections N] [--count N] [--warmup N] [--seconds S] [--bytes N] ADDRESS…
//
// Connection i goes to address i mod the number of addresses.
//   latency  one connection, small requests one after the other
//   rate     N connections, each with one small request outstanding, for S seconds
//   bulk     one connection, replies of --bytes one after the other
//   connect  N at a time: connect, one small request, close; --count in all
//   idle     N connections of one small request each, held until standard input ends
// Exit status 1 when any request failed; what failed first is on standard error.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/load_connection.h"

namespace {

using bench::failure;
using bench::load_connection;
using clock_type = std::chrono::steady_clock;

// Class observe, forwarded to dlv, 1.6 kB back.
constexpr std::string_view small_method = "RPCServer.ListThreads";

struct options {
    std::string mode;
    std::size_t connections = 1;
    std::size_t count = 20'000;
    std::size_t warmup = 2'000;
    std::size_t bytes = 8u << 20;
    double seconds = 3;
    std::vector<sockaddr_in> addresses;

    const sockaddr_in& address(std::size_t i) const { return addresses[i % addresses.size()]; }
};

double seconds_since(clock_type::time_point start) {
    return std::chrono::duration<double>(clock_type::now() - start).count();
}

double percentile(std::vector<double>& values, double p) {
    if (values.empty()) throw failure("nothing was measured");
    const auto at = static_cast<std::size_t>(p * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
    return values[at];
}

void latency(const options& o) {
    load_connection c(o.address(0));
    for (std::size_t i = 0; i < o.warmup; ++i) c.call(small_method, "{}");
    std::vector<double> times;
    times.reserve(o.count);
    for (std::size_t i = 0; i < o.count; ++i) {
        const auto start = clock_type::now();
        c.call(small_method, "{}");
        times.push_back(seconds_since(start) * 1e6);
    }
    std::printf("{\"p50_us\":%.2f,\"p99_us\":%.2f,\"requests\":%zu}\n", percentile(times, 0.5),
                percentile(times, 0.99), o.count + o.warmup);
}

void rate(const options& o) {
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<std::unique_ptr<load_connection>> all;
    for (std::size_t i = 0; i < o.connections; ++i) {
        all.push_back(std::make_unique<load_connection>(o.address(i)));
        epoll_event wanted{};
        wanted.events = EPOLLIN;
        wanted.data.ptr = all.back().get();
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, all.back()->descriptor(), &wanted);
    }
    std::size_t requests = 0;
    for (auto& c : all) c->send(small_method, "{}");
    const auto run_for = [&](double seconds) {
        std::array<epoll_event, 64> events;
        std::size_t done = 0;
        const auto start = clock_type::now();
        double passed = 0;
        while ((passed = seconds_since(start)) < seconds) {
            const int n = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()),
                                       load_connection::patience_seconds * 1000);
            if (n == 0) throw failure("no reply on any connection");
            for (int i = 0; i < n; ++i) {
                auto& c = *static_cast<load_connection*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (!c.receive()) continue;
                ++done;
                c.send(small_method, "{}");
            }
        }
        requests += done;
        return static_cast<double>(done) / passed;
    };
    run_for(o.seconds / 5);
    const double per_second = run_for(o.seconds);
    for (auto& c : all)
        while (!c->receive()) {
        }
    std::printf("{\"per_second\":%.1f,\"requests\":%zu}\n", per_second, requests + o.connections);
    ::close(epoll);
}

void bulk(const options& o) {
    const std::string params =
        R"({"Filter":")" + std::to_string(o.bytes) +
        R"(","Cfg":{"FollowPointers":true,"MaxVariableRecurse":1,"MaxStringLen":64,"MaxArrayValues":64,"MaxStructFields":-1}})";
    load_connection c(o.address(0));
    std::size_t total = 0;
    for (std::size_t i = 0; i < o.warmup; ++i) total += c.call("RPCServer.ListPackageVars", params);
    const auto start = clock_type::now();
    std::size_t measured = 0;
    for (std::size_t i = 0; i < o.count; ++i) {
        const auto size = c.call("RPCServer.ListPackageVars", params);
        if (size < o.bytes) throw failure("a reply of only " + std::to_string(size) + " bytes");
        measured += size;
    }
    std::printf("{\"mb_per_second\":%.1f,\"bytes\":%zu}\n", static_cast<double>(measured) / 1e6 / seconds_since(start),
                total + measured);
}

int connect_anew(const options& o) {
    std::atomic<std::size_t> failed = 0;
    std::mutex first;
    std::vector<std::thread> threads;
    const auto each = std::max<std::size_t>(o.count / o.connections, 1);
    const auto start = clock_type::now();
    for (std::size_t t = 0; t < o.connections; ++t)
        threads.emplace_back([&, t] {
            for (std::size_t i = 0; i < each; ++i) try {
                    load_connection c(o.address(t));
                    c.call(small_method, "{}");
                } catch (const failure& f) {
                    const std::lock_guard lock(first);
                    if (failed++ == 0) std::fprintf(stderr, "connection %zu of %zu: %s\n", i + 1, each, f.what());
                }
        });
    for (auto& t : threads) t.join();
    std::printf("{\"per_second\":%.1f,\"connections\":%zu,\"failed\":%zu}\n",
                static_cast<double>(each * o.connections) / seconds_since(start), each * o.connections, failed.load());
    return failed == 0 ? 0 : 1;
}

void idle(const options& o) {
    std::vector<std::unique_ptr<load_connection>> all;
    for (std::size_t i = 0; i < o.connections; ++i) {
        all.push_back(std::make_unique<load_connection>(o.address(i)));
        all.back()->call(small_method, "{}");
    }
    std::printf("{\"held\":%zu}\n", all.size());
    std::fflush(stdout);
    char end;
    while (::read(STDIN_FILENO, &end, 1) > 0) {
    }
    // They must all still be there, or what was measured was something else.
    for (auto& c : all) c->call(small_method, "{}");
}

options parse(int argc, char** argv) {
    if (argc < 3) throw failure("usage: bench_load MODE [OPTION VALUE]… ADDRESS…");
    options o;
    o.mode = argv[1];
    for (int i = 2; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (!name.starts_with("--")) {
            o.addresses.push_back(bench::parse_address(name));
            continue;
        }
        if (++i == argc) throw failure("no value for " + std::string(name));
        const auto number = static_cast<std::size_t>(std::strtoull(argv[i], nullptr, 10));
        if (name == "--connections") o.connections = std::max<std::size_t>(number, 1);
        else if (name == "--count") o.count = number;
        else if (name == "--warmup") o.warmup = number;
        else if (name == "--bytes") o.bytes = number;
        else if (name == "--seconds") o.seconds = std::strtod(argv[i], nullptr);
        else throw failure("unknown option " + std::string(name));
    }
    if (o.addresses.empty()) throw failure("no address");
    return o;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const auto o = parse(argc, argv);
        if (o.mode == "latency") latency(o);
        else if (o.mode == "rate") rate(o);
        else if (o.mode == "bulk") bulk(o);
        else if (o.mode == "connect") return connect_anew(o);
        else if (o.mode == "idle") idle(o);
        else throw failure("unknown mode " + o.mode);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "bench_load: %s\n", e.what());
        return 1;
    }
}
