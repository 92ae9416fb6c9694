#include "gateway/doctor.h"

#include <openssl/ssl.h>
#include <sys/timex.h>

#include <algorithm>
#include <ctime>

#include "auth/identity.h"
#include "auth/pem.h"
#include "gateway/time_left.h"
#include "protocol/printable.h"

namespace gateway {

using protocol::json;

namespace {

long long seconds_of(const ASN1_TIME* time) {
    std::tm utc{};
    return ASN1_TIME_to_tm(time, &utc) == 1 ? static_cast<long long>(::timegm(&utc)) : 0;
}

std::size_t count(const diagnoses& all, verdict how) {
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [how](const auto& one) { return one.how == how; }));
}

std::string padded(const std::string& text, std::size_t width) {
    return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

}  // namespace

std::string_view to_string(verdict how) {
    switch (how) {
        case verdict::ok: return "ok";
        case verdict::warn: return "warn";
        case verdict::fail: return "fail";
        case verdict::skipped: return "skipped";
    }
    return "";
}

std::string doctor_text(const diagnoses& all) {
    std::size_t width = 0;
    for (const auto& one : all) width = std::max(width, one.check.size());
    std::string out;
    for (const auto& one : all) {
        out += padded(std::string(to_string(one.how)), 8) + padded(protocol::printable(one.check), width) + "  " +
               protocol::printable(one.text) + "\n";
        if (!one.mend.empty()) out += std::string(8 + width, ' ') + "  mend: " + protocol::printable(one.mend) + "\n";
    }
    const auto failed = count(all, verdict::fail), warned = count(all, verdict::warn);
    return out + std::to_string(all.size()) + " checks: " + std::to_string(failed) + " failed, " + std::to_string(warned) + " warnings, " +
           std::to_string(count(all, verdict::skipped)) + " skipped\n";
}

json doctor_json(const diagnoses& all) {
    json::array checks;
    for (const auto& one : all) {
        json entry = json::object{{"check", one.check}, {"verdict", to_string(one.how)}, {"text", one.text}};
        if (!one.mend.empty()) entry.set("mend", one.mend);
        checks.push_back(std::move(entry));
    }
    return json::object{{"checks", std::move(checks)},
                        {"failed", std::uint64_t{count(all, verdict::fail)}},
                        {"warnings", std::uint64_t{count(all, verdict::warn)}}};
}

bool any_failed(const diagnoses& all) { return count(all, verdict::fail) > 0; }

diagnosis judge_exposed(const launcher::dlv_survey& found) {
    diagnosis out{"exposed dlv", verdict::ok, {}, {}};
    if (!found.exposed.empty()) {
        out.how = verdict::fail;
        std::string pids, ending;
        for (const auto& one : found.exposed) {
            std::string where;
            for (const auto& address : one.addresses) where += (where.empty() ? "" : " and ") + address;
            out.text += (out.text.empty() ? "" : "; ") + one.program + " (pid " + std::to_string(one.pid) + ", uid " + std::to_string(one.uid) +
                        ") listens at " + where + (one.by_words ? ", by its command line" : "");
            pids += " " + std::to_string(one.pid);
            if (one.ends_program) ending += (ending.empty() ? "" : ", ") + std::to_string(one.pid);
        }
        out.text += ": whoever reaches that port runs what they like as that user";
        out.mend = "kill" + pids + (ending.empty() ? "" : " (that ends what dlv " + ending + " has started, too)") + "; then `delvegate serve --exec PROGRAM`, or dlv with --listen=127.0.0.1:PORT as a component of kind connect";
        return out;
    }
    out.text = found.dlvs == 0 ? "no headless dlv runs here"
                               : std::to_string(found.dlvs) + " headless dlv, none of which listens elsewhere than on loopback or a Unix socket";
    if (found.some_hidden) {
        out.how = verdict::warn;
        out.text += "; of some only the command line could be seen";
        out.mend = "run it as root";
    }
    return out;
}

diagnosis check_clock() {
    timex state{};
    const int said = ::adjtimex(&state);  // reads only
    if (said < 0) return {"clock", verdict::skipped, "the kernel does not tell whether something keeps the clock right", {}};
    if (said == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
        return {"clock", verdict::warn, "nothing keeps this host's clock right; certificates are good for minutes or hours only",
                "systemctl enable --now systemd-timesyncd, or chrony; in a container or a virtual machine it is the host's matter"};
    return {"clock", verdict::ok, "it is kept right, within " + std::to_string((state.maxerror + 999) / 1000) + " ms by the kernel's estimate", {}};
}

diagnosis judge_pair(const std::string& check, const auth::tls_files& files, const std::string& renew, long long now) {
    diagnosis out{check, verdict::fail, {}, renew};
    const auto certificate = auth::load_certificate(files.certificate);
    if (!certificate) {
        out.text = certificate.error();
        return out;
    }
    const auto key = auth::load_key(files.key);
    if (!key) {
        out.text = key.error();
        out.mend = "chmod go= " + files.key + ", if that is the reason; else: " + renew;
        return out;
    }
    if (X509_check_private_key(certificate->get(), key->get()) != 1) {
        auth::openssl_error();
        out.text = files.certificate + " and " + files.key + " are not of each other";
        return out;
    }
    if (const auto weak = auth::weakness(key->get()); !weak.empty()) {
        out.text = files.key + " " + weak;
        return out;
    }
    const auto begins = seconds_of(X509_get0_notBefore(certificate->get())), ends = seconds_of(X509_get0_notAfter(certificate->get()));
    if (begins > now) {
        out.text = files.certificate + " is good only from " + auth::to_string(X509_get0_notBefore(certificate->get())) + " on";
        out.mend = "look at this host's clock; else: " + renew;
        return out;
    }
    if (ends <= now) {
        out.text = files.certificate + " expired on " + auth::to_string(X509_get0_notAfter(certificate->get()));
        return out;
    }
    out.text = files.certificate + ": " + time_left(ends, now) + " left";
    out.how = nearly_over(begins, ends, now) ? verdict::warn : verdict::ok;
    if (out.how == verdict::ok) out.mend.clear();
    return out;
}

}  // namespace gateway
