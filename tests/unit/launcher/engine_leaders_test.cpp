// What the engine makes of the journal and of other instances, by a kind that only pretends.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>

#include "launcher/engine.h"
#include "launcher/plan_store.h"
#include "launcher/waiting.h"
#include "tests/support/trusted_directory.h"

namespace launcher {
namespace {

class pretended final : public detacher {
public:
    pretended(component_definition definition, std::atomic<int>& returned) : definition_(std::move(definition)), returned_(returned) {}
    outcome<component_plan> inspect(const lifecycle_request&) override {
        component_plan plan;
        plan.definition = definition_;
        plan.hash = std::string(64, '0');
        return outcome<component_plan>(boost::system::in_place_value, std::move(plan));
    }
    outcome<detachment_changes> intend(const component_plan&, const stand_in&) override { return detachment_changes{}; }
    outcome<void> take_out(const component_plan&, const stand_in&) override { return {}; }
    outcome<std::string> remains(const component_plan&) override { return text({}); }
    outcome<void> look(const std::optional<detachment>&, found_on_disk& found) override {
        found.record = found_on_disk::record_state::good;
        found.held = found_on_disk::held_state::as_recorded;
        return {};
    }
    outcome<put_back_summary> put_back(const std::optional<detachment>&, const recovery_decision&) override {
        ++returned_;
        return put_back_summary{};
    }
    outcome<std::string> missing(const std::optional<detachment>&) override { return text({}); }

private:
    component_definition definition_;
    std::atomic<int>& returned_;
};

class engine_leaders_case : public testing::Test {
protected:
    engine_leaders_case() {
        configuration.scope = systemd_scope::none;
        configuration.state_directory = scratch / "state";
        configuration.runtime_directory = scratch / "run";
        configuration.kubectl = scratch / "kubectl";
        std::ofstream(scratch / "kubeconfig") << "";
        ::chmod((scratch / "kubeconfig").c_str(), 0600);
    }
    ~engine_leaders_case() override {
        for (const auto pid : children) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }
    component_definition defined(const std::string& name) {
        component_definition one;
        one.name = one.pod = name;
        one.manifest_directory = scratch.path();
        one.kubeconfig = scratch / "kubeconfig";
        one.binary = "/opt/debug/" + name;
        configuration.components.push_back(one);
        return one;
    }
    // A session that runs, of a process that only waits.
    void runs(const std::string& name, bool tolerated) {
        defined(name);
        const auto pid = ::fork();
        if (pid == 0)
            for (;;) ::pause();
        children.push_back(pid);
        auto book = journal::open(configuration.state_directory);
        ASSERT_TRUE(book) << book.error();
        detachment_start start;
        start.component = name;
        start.known.target_file = scratch / (name + ".yaml");
        start.known.dlv = start.known.debuggee = start.known.guard = mark_process(pid);
        const auto row = book->begin(start);
        ASSERT_TRUE(row) << row.error();
        ASSERT_TRUE(book->advance(row->id, journal_step::running));
        component_plan plan;
        plan.alone = sole_instance{name, "kube-system/" + name, "kube-system?labelSelector=x", "n1", true, tolerated};
        ASSERT_TRUE(store_plan(configuration.state_directory, row->id, plan));
    }
    // The API server: no Lease, and a pod on that node.
    void answers(const std::string& node) {
        std::ofstream(scratch / "kubectl.new")
            << "#!/bin/sh\ncase $* in *leases*) echo 'Error from server (NotFound): leases \"x\" not found' >&2; exit 1;;\n"
               "*) echo '{\"items\":[{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"" + node + "\"}}]}';; esac\n";
        ::chmod((scratch / "kubectl.new").c_str(), 0755);
        std::filesystem::rename(scratch / "kubectl.new", scratch / "kubectl");
    }
    detacher_factory factory() {
        return [this](const component_definition& definition, const launcher_config&) {
            return std::make_unique<pretended>(definition, returned[definition.name]);
        };
    }
    static component_status of(engine& it, const std::string& name) {
        const auto all = it.status();
        return *std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; });
    }
    static bool warns(engine& it, const std::string& name, const std::string& words) {
        const auto status = of(it, name);
        return std::any_of(status.warnings.begin(), status.warnings.end(),
                           [&](const auto& each) { return each.find(words) != std::string::npos; });
    }

    support::trusted_directory scratch;
    launcher_config configuration;
    std::vector<pid_t> children;
    std::map<std::string, std::atomic<int>> returned;
};

TEST_F(engine_leaders_case, AnotherInstanceIsToldInStatusAndEndsWhatIsNotTolerated) {
    runs("kube-scheduler", true);
    runs("kube-controller-manager", false);
    (void)returned["kube-scheduler"];
    (void)returned["kube-controller-manager"];
    answers("n2");
    engine it(configuration, factory());
    (void)it.recover({});
    constexpr auto long_enough = std::chrono::seconds(60);
    EXPECT_TRUE(wait_until(long_enough, [&] { return warns(it, "kube-scheduler", "another instance: pod p on node n2"); }));
    // By the second look.
    EXPECT_TRUE(wait_until(long_enough, [&] { return returned["kube-controller-manager"] == 1; }));
    EXPECT_EQ(returned["kube-scheduler"], 0);
    EXPECT_TRUE(wait_until(long_enough, [&] { return !of(it, "kube-controller-manager").detached; }));
    EXPECT_TRUE(of(it, "kube-scheduler").detached);
    answers("n1");
    EXPECT_TRUE(wait_until(long_enough, [&] { return !warns(it, "kube-scheduler", "another instance"); }));
}

TEST_F(engine_leaders_case, ASecondSessionSoonAfterAReturnIsWarnedOfTheKubeletsBackOff) {
    auto one = defined("kube-scheduler");
    const auto warned = [&] {
        engine it(configuration, factory());
        const auto plan = it.inspect("kube-scheduler");
        EXPECT_TRUE(plan) << plan.error();
        std::string text;
        for (const auto& each : plan->findings)
            if (each.how == severity::warning) text += each.text;
        return text;
    };
    EXPECT_EQ(warned(), "");
    for (int i = 0; i < 2; ++i) {
        auto book = journal::open(configuration.state_directory);
        ASSERT_TRUE(book) << book.error();
        detachment_start start;
        start.component = "kube-scheduler";
        const auto row = book->begin(start);
        ASSERT_TRUE(row) << row.error();
        for (const auto step : {journal_step::detached, journal_step::returned, journal_step::closed})
            ASSERT_TRUE(book->advance(row->id, step));
        if (i == 0) {
            EXPECT_NE(warned().find("it came back once in the last 10 minutes"), std::string::npos);
        }
    }
    const auto text = warned();
    EXPECT_NE(text.find("it came back 2 times"), std::string::npos) << text;
    EXPECT_NE(text.find("for up to 40 s"), std::string::npos) << text;
    // A DaemonSet's pod is another one each time.
    configuration.components[0].kind = component_kind::daemon_set;
    EXPECT_EQ(warned(), "");
}

}  // namespace
}  // namespace launcher
