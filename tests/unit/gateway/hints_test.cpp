#include "gateway/hints.h"

#include <gtest/gtest.h>

#include "protocol/printable.h"
#include "protocol/json.h"

namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

const tcp::endpoint port_2345(asio::ip::address_v4::loopback(), 2345);

TEST(hints, name_the_address_for_each_ide) {
    const auto text = gateway::typing_hints("web", port_2345, {});
    EXPECT_NE(text.find("Host 127.0.0.1, Port 2345"), std::string::npos) << text;
    EXPECT_NE(text.find("dlv connect 127.0.0.1:2345"), std::string::npos) << text;
    EXPECT_NE(text.find("`delvegate ide vscode web`"), std::string::npos) << text;
}

TEST(hints, carry_on_which_gateway_and_whose_identity_were_given) {
    const auto text = gateway::typing_hints("web", port_2345, {"--gateway", "node1:7443", "--identity", "/home/me/my keys"});
    EXPECT_NE(text.find("`delvegate ide vscode web --gateway node1:7443 --identity '/home/me/my keys'`"), std::string::npos) << text;
}

TEST(hints, give_vscode_a_configuration_that_is_json) {
    const auto text = gateway::typing_hints("we\"b", port_2345, {});
    const auto from = text.find('{');
    const auto to = text.rfind('}');
    const auto snippet = protocol::parse_json(std::string_view(text).substr(from, to - from + 1));
    ASSERT_TRUE(snippet) << text;
    EXPECT_EQ(snippet->get_string("name"), "Go: we\"b");
    EXPECT_EQ(snippet->get_string("type"), "go");
    EXPECT_EQ(snippet->get_string("request"), "attach");
    EXPECT_EQ(snippet->get_string("mode"), "remote");
    EXPECT_EQ(snippet->get_string("debugAdapter"), "dlv-dap");
    EXPECT_EQ(snippet->get_string("host"), "127.0.0.1");
    EXPECT_EQ(protocol::to_text(*snippet->find("port")), "2345");
}

TEST(hints, turn_an_unspecified_address_into_one_to_connect_to) {
    EXPECT_EQ(gateway::address_for_ide({asio::ip::address_v4::any(), 1}).address().to_string(), "127.0.0.1");
    EXPECT_EQ(gateway::address_for_ide({asio::ip::address_v6::any(), 1}).address().to_string(), "::1");
}

TEST(hints, tell_scripts_in_one_line_of_json) {
    const auto text = gateway::ready_line("web", "running", port_2345, "gw:7443");
    EXPECT_EQ(text.find('\n'), text.size() - 1);
    const auto line = protocol::parse_json(text);
    ASSERT_TRUE(line);
    EXPECT_EQ(line->get_string("address"), "127.0.0.1:2345");
    EXPECT_EQ(line->get_string("component"), "web");
}

TEST(hints, list_components_in_columns) {
    const auto text = gateway::component_table(
        {{"web", "stopped", "at main.go:7, bob is there"}, {"kube-scheduler", "running", ""}}, "gw:7443");
    EXPECT_EQ(text,
              "NAME            STATE    DETAIL\n"
              "web             stopped  at main.go:7, bob is there\n"
              "kube-scheduler  running\n");
}

TEST(hints, do_not_let_a_gateway_write_on_the_terminal) {
    const auto text = gateway::component_table({{"web\x1b[2J", "stopped", "a\nb"}}, "gw");
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(hints, say_that_there_is_nothing_to_list) {
    EXPECT_EQ(gateway::component_table({}, "gw:7443"),
              "no components on gw:7443 that this certificate may see\n");
    EXPECT_EQ(gateway::component_line({}), "{\"components\":[]}\n");
}

TEST(hints, join_names_as_people_do) {
    EXPECT_EQ(gateway::names_of({}), "");
    EXPECT_EQ(gateway::names_of({"a"}), "a");
    EXPECT_EQ(gateway::names_of({"a", "b", "c"}), "a, b and c");
}

TEST(printable, leaves_only_what_a_terminal_shows) {
    EXPECT_EQ(protocol::printable("a\tb\x7f"), "a b ");
    EXPECT_EQ(protocol::printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
    EXPECT_EQ(protocol::printable("x\xff"), "x?");
    EXPECT_EQ(protocol::printable("a\xc2\x9b" "2Jb\xe2\x80\xaegpj.exe\xe2\x81\xa6 \xe2\x80\xa8\xd8\x9c"), "a 2Jb gpj.exe    ");
    EXPECT_EQ(protocol::printable("\xe2\x80\x93 \xe2\x82\xac"), "\xe2\x80\x93 \xe2\x82\xac");
}

}  // namespace
