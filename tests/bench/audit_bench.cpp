// What the audit costs: records a second, lazily written and waited for, and the caller's own share.
//
//   audit_bench [DIRECTORY [RECORDS]]     one line of JSON; the directory's disk is what is measured
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "auth/audit_writer.h"

namespace {

using clock_type = std::chrono::steady_clock;

double seconds_since(clock_type::time_point since) { return std::chrono::duration<double>(clock_type::now() - since).count(); }

struct sample {
    std::vector<std::string> groups{"sre", "sig-scheduling"};
    std::vector<auth::audit_touch> touched{{"expression", "pod.Spec.Containers[0].Resources.Limits"}, {"goroutine", "312"}, {"frame", "2"}};

    auth::audit_record record(auth::audit_kind kind) const {
        auth::audit_record out;
        out.kind = kind;
        out.session = "8f14e45f";
        out.user = "alice";
        out.groups = groups;
        out.issuer = "CN=delvegate CA,O=example";
        out.serial = "5F3A9C0177E2";
        out.fingerprint = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        out.address = "192.0.2.7:50312";
        out.component = "kube-scheduler";
        out.speaks = "dap";
        out.operation = "evaluate";
        out.classes = {protocol::op_class::read};
        out.decision = "allow";
        out.rule = "policy.yaml:12 developer";
        out.touched = touched;
        return out;
    }
};

}  // namespace

int main(int argc, char** argv) {
    const std::string directory = std::string(argc > 1 ? argv[1] : "/tmp") + "/audit-bench-" + std::to_string(::getpid());
    const int count = argc > 2 ? std::atoi(argv[2]) : 200'000;
    std::filesystem::create_directory(directory);
    auth::audit_options options;
    options.files.file = directory + "/audit.jsonl";
    options.queue = 1u << 30;
    auto made = auth::audit_writer::open(std::move(options));
    if (!made) return std::fprintf(stderr, "%s\n", made.error().c_str()), 1;
    auth::audit_writer& writer = **made;
    const sample s;

    // One caller that never waits.
    auto since = clock_type::now();
    for (int i = 0; i < count; ++i) writer.submit(s.record(auth::audit_kind::intent), auth::durability::lazy);
    const double handed_over = seconds_since(since);
    std::promise<void> done;
    writer.submit(s.record(auth::audit_kind::intent), auth::durability::before, [&](const std::string&) { done.set_value(); });
    done.get_future().wait();
    const double written = seconds_since(since);

    // One after the other, as one IDE's stepping does: intent, wait, outcome.
    std::vector<double> waits;
    since = clock_type::now();
    while (seconds_since(since) < 2 && waits.size() < 20'000) {
        const auto start = clock_type::now();
        std::promise<void> one;
        writer.submit(s.record(auth::audit_kind::intent), auth::durability::before, [&](const std::string&) { one.set_value(); });
        one.get_future().wait();
        waits.push_back(seconds_since(start) * 1e6);
        writer.submit(s.record(auth::audit_kind::outcome), auth::durability::lazy);
    }
    const double alone = static_cast<double>(waits.size()) / seconds_since(since);
    std::sort(waits.begin(), waits.end());

    // Many at once: what group commit makes of it.
    since = clock_type::now();
    std::promise<void> all;
    std::atomic<int> left = count / 10;
    for (int i = 0; i < count / 10; ++i)
        writer.submit(s.record(auth::audit_kind::intent), auth::durability::before, [&](const std::string&) {
            if (--left == 0) all.set_value();
        });
    all.get_future().wait();
    const double together = count / 10 / seconds_since(since);

    writer.close();
    std::printf("{\"lazySubmitNanoseconds\":%.0f,\"lazyPerSecond\":%.0f,\"beforeAlonePerSecond\":%.0f,"
                "\"beforeMedianMicroseconds\":%.0f,\"before99Microseconds\":%.0f,\"beforeTogetherPerSecond\":%.0f}\n",
                handed_over / count * 1e9, count / written, alone, waits[waits.size() / 2], waits[waits.size() * 99 / 100], together);
    std::filesystem::remove_all(directory);
    return 0;
}
