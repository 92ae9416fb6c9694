#include "launcher/health_probe.h"

#include <curl/curl.h>

#include <memory>

namespace launcher {

namespace {

struct curl_closer {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};

constexpr std::size_t most = 64 << 10;

std::size_t count(char*, std::size_t size, std::size_t times, void* seen) {
    auto& total = *static_cast<std::size_t*>(seen);
    total += size * times;
    return total > most ? 0 : size * times;  // 0 ends the transfer
}

std::string part(CURLU* url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

}  // namespace

std::string to_string(const health_check& where) {
    const bool v6 = where.host.find(':') != std::string::npos;
    return where.scheme + "://" + (v6 ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port) +
           where.path;
}

outcome<health_check> parse_health(const std::string& url) {
    const std::string wrong = "health: " + url + " is not a URL like https://127.0.0.1:10259/healthz";
    std::unique_ptr<CURLU, curl_closer> parsed(curl_url());
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return error_text(wrong);
    health_check result;
    result.scheme = part(parsed.get(), CURLUPART_SCHEME);
    result.host = part(parsed.get(), CURLUPART_HOST);
    result.path = part(parsed.get(), CURLUPART_PATH);
    if (result.host.starts_with('[')) result.host = result.host.substr(1, result.host.size() - 2);
    const auto port = part(parsed.get(), CURLUPART_PORT);
    if ((result.scheme != "http" && result.scheme != "https") || result.host.empty()) return error_text(wrong);
    if (!part(parsed.get(), CURLUPART_USER).empty() || !part(parsed.get(), CURLUPART_QUERY).empty()) return error_text(wrong);
    // curl has checked that it is a number of a port.
    result.port = static_cast<std::uint16_t>(port.empty() ? (result.scheme == "https" ? 443 : 80) : std::stoul(port));
    return result;
}

health_answer probe(const health_check& where, std::chrono::milliseconds patience) {
    std::unique_ptr<CURL, curl_closer> handle(curl_easy_init());
    if (!handle) return {.healthy = false, .refused = false, .said = "no memory for a request"};
    auto* curl = handle.get();
    std::size_t seen = 0;
    const auto url = to_string(where);
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(patience.count()));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "delvegate-probe/" DELVEGATE_VERSION);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &seen);
    const auto error = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 100) return {.healthy = status >= 200 && status < 400, .refused = false,
                               .said = "HTTP " + std::to_string(status)};
    return {.healthy = false, .refused = error == CURLE_COULDNT_CONNECT, .said = curl_easy_strerror(error)};
}

}  // namespace launcher
