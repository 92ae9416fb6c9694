#include "gateway/metrics.h"

#include <openssl/opensslv.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <limits>
#include <map>
#include <sstream>
#include <string_view>
#include <utility>

#include "auth/authority.h"
#include "auth/trust.h"
#include "gateway/endpoints.h"
#include "gateway/http_api.h"

namespace gateway {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using protocol::op_class;

using labels = std::vector<std::pair<std::string_view, std::string_view>>;

constexpr std::array all_classes{op_class::observe, op_class::read,   op_class::trace, op_class::breakpoint,
                                 op_class::control, op_class::mutate, op_class::files, op_class::lifecycle};
constexpr std::array all_phases{phase::down, phase::starting, phase::stopped, phase::running, phase::exited};

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }
double number(std::uint64_t n) { return static_cast<double>(n); }

// Families in the order in which they were first named.
class collection {
public:
    void counter(std::string_view name, std::string_view help, const labels& of, double value) {
        add(name, help, MetricType::Counter, of).counter.value = value;
    }
    void gauge(std::string_view name, std::string_view help, const labels& of, double value) {
        add(name, help, MetricType::Gauge, of).gauge.value = value;
    }
    void histogram(std::string_view name, std::string_view help, const labels& of, const time_histogram& h) {
        auto& out = add(name, help, MetricType::Histogram, of).histogram;
        std::uint64_t so_far = 0;
        for (std::size_t at = 0; at < h.counts().size(); ++at) {
            so_far += h.counts()[at];
            const bool last = at == time_histogram::bounds.size();
            out.bucket.push_back({so_far, last ? std::numeric_limits<double>::infinity() : time_histogram::bounds[at]});
        }
        out.sample_count = so_far;
        out.sample_sum = h.sum();
    }
    std::vector<MetricFamily> take() { return std::move(families_); }

private:
    ClientMetric& add(std::string_view name, std::string_view help, MetricType type, const labels& of) {
        const auto [at, is_new] = places_.try_emplace(std::string(name), families_.size());
        if (is_new) families_.push_back({std::string(name), std::string(help), type, {}});
        auto& one = families_[at->second].metric.emplace_back();
        for (const auto& [label, value] : of) one.label.push_back({std::string(label), std::string(value)});
        return one;
    }
    std::vector<MetricFamily> families_;
    std::map<std::string, std::size_t> places_;
};

void of_connections(collection& out, const metrics_sources& from) {
    const auto& counts = from.parts.counts;
    out.gauge("delvegate_connections", "TCP connections that are open now.", {}, number(from.server.connections()));
    out.gauge("delvegate_handshakes", "TLS handshakes under way now.", {}, number(from.server.handshakes()));
    out.gauge("delvegate_streams", "Debug streams that are open now.", {}, number(from.server.streams()));
    out.gauge("delvegate_kept_links", "Broken links that are kept for their laptop to come back.", {}, number(from.server.kept().links()));
    out.gauge("delvegate_kept_bytes", "Bytes that wait for broken links.", {}, number(from.server.kept().bytes()));
    out.counter("delvegate_connections_accepted_total", "TCP connections accepted.", {}, number(counts.accepted));
    for (const auto& [kind, n] : std::initializer_list<std::pair<std::string_view, std::uint64_t>>{
             {"link", counts.links}, {"raw", counts.raw_streams}, {"control", counts.control_requests}})
        out.counter("delvegate_verified_connections_total", "Connections whose certificate was verified, by what they became.",
                    {{"kind", kind}}, number(n));
    for (const auto& [cause, n] : std::initializer_list<std::pair<std::string_view, std::uint64_t>>{
             {"certificate", counts.failed_certificates}, {"identity", counts.failed_identities}, {"tls", counts.failed_tls},
             {"network", counts.failed_network}, {"timeout", counts.failed_time}})
        out.counter("delvegate_handshake_failures_total", "TLS handshakes that failed, by cause.", {{"cause", cause}}, number(n));
    out.counter("delvegate_streams_opened_total", "Streams that links asked for and got.", {}, number(counts.streams));
    out.counter("delvegate_streams_refused_total", "Streams refused with a verdict, raw ones included.", {}, number(counts.refused_streams));
    for (const auto& [what, n] : std::initializer_list<std::pair<std::string_view, std::uint64_t>>{
             {"broken", counts.broken_links}, {"resumed", counts.resumed_links}, {"given_up", counts.given_up_links}})
        out.counter("delvegate_links_total", "Links that broke the protocol, went on after a break, or did not.", {{"end", what}}, number(n));
    for (const auto& [limit, n] : std::initializer_list<std::pair<std::string_view, std::uint64_t>>{
             {"handshakes", counts.limit_handshakes}, {"source", counts.limit_source}, {"connections", counts.limit_connections},
             {"connectionsPerIdentity", counts.limit_identity}, {"streamsPerLink", counts.limit_streams},
             {"viewerBuffer", counts.limit_viewer_buffer}, {"reply", counts.limit_reply}, {"idle", counts.limit_idle},
             {"followers", counts.limit_followers}, {"resume", counts.limit_resume}})
        out.counter("delvegate_limit_hits_total", "How often a limit turned somebody away or cut somebody off.", {{"limit", limit}}, number(n));
    for (const auto& [what, n] : std::initializer_list<std::pair<std::string_view, std::uint64_t>>{
             {"enrolled", counts.enrollments}, {"refused", counts.refused_enrollments}, {"renewed", counts.renewals}})
        out.counter("delvegate_certificates_total", "Requests for certificates, by what came of them.", {{"result", what}}, number(n));
}

void of_files(collection& out, const metrics_sources& from) {
    for (const auto& one : from.files.counts()) {
        out.counter("delvegate_reloads_total", "How often files took effect anew.", {{"item", one.name}}, number(one.reloads));
        out.counter("delvegate_reload_failures_total", "How often changed files could not take effect.", {{"item", one.name}},
                    number(one.failures));
        out.gauge("delvegate_reload_failing", "1: what is in effect is not what is in the files.", {{"item", one.name}}, one.failing ? 1 : 0);
    }
    constexpr std::string_view name = "delvegate_certificate_expiry_timestamp_seconds";
    constexpr std::string_view help = "When a certificate ends, in seconds since the epoch; of a client CA its root that ends first.";
    if (const auto own = from.server.certificate_time())
        out.gauge(name, help, {{"certificate", "gateway"}}, static_cast<double>(own->not_after));
    const auto trust = from.identities.slot()->now;
    if (!trust) return;
    for (const auto& ca : trust->cas()) {
        std::int64_t first = 0;
        for (const auto& root : ca->roots()) {
            const auto ends = auth::seconds_of(X509_get0_notAfter(root.certificate.get()));
            if (first == 0 || ends < first) first = ends;
        }
        const auto& called = ca->configured().name;
        out.gauge(name, help, {{"certificate", called == "clientCA" ? called : "clientCAs." + called}}, static_cast<double>(first));
    }
}

void of_audit(collection& out, const audit_trail* audit) {
    out.gauge("delvegate_audit_enabled", "0: what people do is not recorded (auditFile: off).", {}, audit ? 1 : 0);
    if (!audit) return;
    const auto now = audit->health();
    out.gauge("delvegate_audit_ok", "0: the audit cannot be written.", {}, now.ok ? 1 : 0);
    out.gauge("delvegate_audit_lag_seconds", "How long the oldest record that waits for the disk has waited.", {}, seconds(now.lag));
    out.gauge("delvegate_audit_queued_bytes", "Bytes of records that wait for the disk.", {}, number(now.queued_bytes));
    out.gauge("delvegate_audit_reserve_used_bytes", "What is used of the reserve for a full disk.", {}, number(now.reserve_used));
    out.counter("delvegate_audit_records_total", "The number of the last record.", {}, number(now.sequence));
    out.counter("delvegate_audit_lost_total", "Records lost since the start.", {}, number(now.lost));
    out.counter("delvegate_audit_refused_total", "Operations refused because they could not be recorded.", {}, number(now.refused));
    out.counter("delvegate_audit_rotations_total", "How often the audit's file was turned over.", {}, number(now.rotations));
    out.gauge("delvegate_audit_anchor_ok", "0: the last head of the audit could not be signed or published.", {},
              now.anchor_trouble.empty() ? 1 : 0);
}

void of_session(collection& out, const component& one) {
    const hub& session = one.session();
    const std::string_view component = one.name();
    const auto& m = session.measures();
    for (const auto p : all_phases)
        out.gauge("delvegate_component_state", "1: what the component does now.", {{"component", component}, {"state", to_string(p)}},
                  session.now() == p ? 1 : 0);
    const labels own{{"component", component}};
    out.gauge("delvegate_component_down", "1: it should be there and is not.", own, one.down() ? 1 : 0);
    out.gauge("delvegate_viewers", "IDE connections that look at it now.", own, number(session.viewers().size()));
    out.counter("delvegate_stopped_seconds_total", "How long the program has stood in all.", own, seconds(session.stood()));
    out.gauge("delvegate_stop_parked", "1: its stop is held on purpose.", own, session.park().holds() ? 1 : 0);
    if (const auto left = session.budget().left()) {
        out.gauge("delvegate_stop_budget_seconds", "How long stops may keep it from its duty.", own, seconds(session.budget().terms().damage));
        out.gauge("delvegate_stop_budget_left_seconds", "What is left of that now.", own, seconds(*left));
        out.counter("delvegate_stops_cut_short_total", "Stops ended because the budget was used up.", own,
                    number(session.budget().forced_resumes()));
        out.counter("delvegate_halts_refused_total", "Halts refused because the budget was used up.", own,
                    number(session.budget().refused_halts()));
    }
    out.counter("delvegate_stops_total", "Stops that people were told of.", own, number(m.stops));
    out.counter("delvegate_dlv_attached_total", "How often a dlv was connected to, the first time included.", own, number(m.attached));
    out.counter("delvegate_dlv_failures_total", "How often dlv ended, was lost or did not come up.", own, number(m.dlv_failures));
    out.counter("delvegate_program_restarts_total", "How often the program was begun anew under the same dlv.", own, number(m.new_programs));
    out.counter("delvegate_viewers_cut_off_total", "Views ended because their IDE did not read.", own, number(m.cut_off));

    const auto& baton = session.baton().rules();
    out.gauge("delvegate_baton_held", "1: somebody has the baton.", own, baton.holder() ? 1 : 0);
    out.gauge("delvegate_baton_waiting", "People who have asked for the baton and wait.", own, number(baton.asking().size()));
    out.counter("delvegate_baton_waits_total", "How often somebody who had asked for the baton got it.", own, number(baton.granted()));
    out.counter("delvegate_baton_wait_seconds_total", "How long they waited, altogether.", own, seconds(baton.waited()));
    out.counter("delvegate_baton_refusals_total", "Requests refused because another one has the baton: runs, steps and what decides where they end.", own, number(m.baton_refusals));

    const auto waiting = session.waiting();
    for (const auto& [queue, n] : std::initializer_list<std::pair<std::string_view, std::size_t>>{
             {"jobs", waiting.jobs}, {"looks", waiting.looks}, {"turns", waiting.turns}})
        out.gauge("delvegate_queue_depth", "What waits in the session now.", {{"component", component}, {"queue", queue}}, number(n));

    for (const auto& [protocol, of] :
         std::initializer_list<std::pair<std::string_view, const request_counts&>>{{"json-rpc", m.rpc}, {"dap", m.dap}, {"api", m.api}})
        for (const auto c : all_classes) {
            const labels by{{"component", component}, {"protocol", protocol}, {"class", to_string(c)}};
            out.counter("delvegate_operations_total", "Requests that the policy let in, by the gravest class that they need.", by,
                        number(of.begun.of(c)));
            out.counter("delvegate_refusals_total", "Requests that were refused: by policy, as unknown or as malformed.", by,
                        number(of.refused.of(c)));
        }
    for (const auto& [protocol, of] :
         std::initializer_list<std::pair<std::string_view, const protocol_measures&>>{{"json-rpc", m.rpc}, {"dap", m.dap}}) {
        constexpr std::string_view name = "delvegate_request_handover_seconds";
        constexpr std::string_view help = "From a request being whole to its being handed to dlv.";
        out.histogram(name, help, {{"component", component}, {"protocol", protocol}, {"kind", "look"}}, of.look_to_dlv);
        out.histogram(name, help, {{"component", component}, {"protocol", protocol}, {"kind", "run"}}, of.run_to_dlv);
        out.histogram("delvegate_reply_handover_seconds", "From the end of a look's reply to its being handed to the IDE's stream.",
                      {{"component", component}, {"protocol", protocol}}, of.to_viewer);
    }
    out.histogram("delvegate_stop_told_seconds", "From dlv's word that a run has ended to the stop being told.", own, m.stop_told);
}

http_answer text_of(const gateway_metrics& all) {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, all.Collect());
    http_answer out;
    out.body = text.str();
    out.type = "text/plain; version=0.0.4; charset=utf-8";
    return out;
}

}  // namespace

std::vector<MetricFamily> gateway_metrics::Collect() const {
    collection out;
    out.gauge("delvegate_build_info", "What this gateway is made of; always 1.", {{"version", DELVEGATE_VERSION}, {"openssl", OPENSSL_VERSION_STR}}, 1);
    if (whole_) {
        out.gauge("delvegate_start_time_seconds", "When this gateway started, in seconds since the epoch.", {},
                  seconds(from_.since.time_since_epoch()));
        out.gauge("delvegate_draining", "1: it ends, and takes nobody new.", {}, from_.parts.draining ? 1 : 0);
        of_connections(out, from_);
        of_files(out, from_);
        of_audit(out, from_.parts.audit);
    }
    for (const auto* one : of_) of_session(out, *one);
    return out.take();
}

http_answer all_metrics(const metrics_sources& from) { return text_of({from, from.components.all(), true}); }

http_answer metrics_for(const auth::identity& who, const metrics_sources& from, const permissions& rights) {
    auto seen = from.components.all();
    const auto all = seen.size();
    std::erase_if(seen, [&](const auto* one) { return !rights.of(who, one->name()).allows("metrics", {op_class::observe}); });
    if (seen.empty())
        return {403, http_error(who.user + " may observe no component of this gateway, and sees no metrics; ask the gateway's "
                                           "administrator for the role observer")};
    const bool whole = seen.size() == all;
    return text_of({from, std::move(seen), whole});
}

}  // namespace gateway
