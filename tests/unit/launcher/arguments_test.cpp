#include "launcher/arguments.h"

#include <gtest/gtest.h>

namespace launcher {
namespace {

using words = std::vector<std::string>;

TEST(arguments, have_base_names) {
    EXPECT_EQ(base_name("/usr/bin/kubelet"), "kubelet");
    EXPECT_EQ(base_name("kubelet"), "kubelet");
    EXPECT_EQ(base_name("/"), "");
}

TEST(arguments, are_read_as_pflag_reads_them) {
    const words argv{"p", "--a=1", "--a", "2", "--b_c=x=y", "--on", "--d=", "-e=9", "--", "--a=3"};
    EXPECT_EQ(flag_value(argv, "a"), "2");
    EXPECT_EQ(flag_value(argv, "b-c"), "x=y");
    EXPECT_EQ(flag_value(argv, "d"), "");
    EXPECT_EQ(flag_value(argv, "e"), std::nullopt);
    EXPECT_EQ(flag_value({"--a=1"}, "a"), std::nullopt) << "argv[0] is the program";
    EXPECT_EQ(flag_value({"p", "--a"}, "a"), std::nullopt);
    EXPECT_EQ(flag_bool(argv, "on"), true);
    EXPECT_EQ(flag_bool({"p", "--on=F"}, "on"), false);
    EXPECT_EQ(flag_bool({"p", "--on=maybe"}, "on"), std::nullopt);
    EXPECT_EQ(flag_bool({"p"}, "on"), std::nullopt);
}

TEST(arguments, have_durations) {
    using std::chrono::milliseconds;
    struct {
        const char* text;
        std::int64_t milliseconds;
    } const good[] = {{"0", 0}, {"15s", 15000}, {"1h15m", 4500000}, {"2.5s", 2500}, {"1m0.5s", 60500}, {"250ms", 250},
                      {"-3s", -3000}, {"+1s", 1000}, {".5s", 500}, {"1000000ns", 1}, {"3000us", 3}, {"2000µs", 2}};
    for (const auto& row : good) EXPECT_EQ(parse_go_duration(row.text), milliseconds(row.milliseconds)) << row.text;
    for (const char* text : {"", "5", "s", "1x", "1s2", "1..5s", ".s", "-", "1e3s", "9999999h", "1 s"})
        EXPECT_EQ(parse_go_duration(text), std::nullopt) << text;
    EXPECT_EQ(flag_duration({"p", "--t=3s"}, "t"), std::chrono::seconds(3));
}

TEST(arguments, name_files) {
    EXPECT_EQ(files_of_arguments({"/bin/p", "--a=/x/a", "--b", "/x/b", "--c=/x/c,/x/d:host,*.example:/no", "--e=unix:///x/e",
                                  "--a=/x/a", "--f=relative", "--g=https://h/path", "--h=/", "--etcd-prefix=/registry",
                                  "--authorization-always-allow-paths=/healthz,/readyz", "--audit-log-path=/var/log/k/audit.log",
                                  "--cert-dir=/var/run/k", "--audit-log-path=-"}),
              (words{"/x/a", "/x/b", "/x/c", "/x/d", "/x/e", "/var/log/k", "/var/run"}));
}

}  // namespace
}  // namespace launcher
