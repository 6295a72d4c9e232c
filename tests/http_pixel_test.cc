// SPDX-License-Identifier: MIT
// Which answers get a pixel, and where in a page it goes.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE http_pixel
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <ostream>
#include <vector>

#include "http/head_parser.h"
#include "http/pixel_injector.h"
#include "http/pixel_page.h"
#include "tests/support/answer_text.h"

namespace data = boost::unit_test::data;
using namespace manhattan;
using namespace manhattan::http;
using namespace std::string_literals;

namespace {

struct PageCase {
  const char* says;
  std::string shown;  ///< the page with the pixel, which is `#`
};
std::ostream& operator<<(std::ostream& out, const PageCase& c) { return out << c.says; }

std::string without_pixel(std::string shown) {
  if (const auto at = shown.find('#'); at != shown.npos) shown.erase(at, 1);
  return shown;
}

constexpr PixelPage kUnsaid{}, kInWindow{.is_xml = false, .is_shown_alone = true},
    kXml{.is_xml = true, .is_shown_alone = true};

std::string inject(const std::string& page, PixelPage how, std::size_t size) {
  PixelInjector injector({"#", how});
  tests::TextSink out;
  std::size_t fed = 0;
  for (std::size_t at = 0; at < page.size(); at += size) {
    const auto piece = page.substr(at, size);
    const std::vector<char> bytes(piece.begin(), piece.end());  // with no NUL to read beyond them
    injector.feed({bytes.data(), bytes.size()}, out);
    fed += piece.size();
    BOOST_REQUIRE_GE(out.text.size() + HtmlScanner::kMaxUndecidedBytes, fed);
  }
  injector.finish(out);
  return out.text;
}

/// At every cut, in pieces of many sizes, and where it begins as a piece of many sizes does.
void require_place(const std::string& shown, PixelPage how) {
  const auto page = without_pixel(shown);
  for (const std::size_t size : {1, 2, 3, 5, 7, 16, 64, 65, 4096, 1 << 20}) {
    BOOST_REQUIRE_EQUAL(inject(page, how, size), shown);
  }
  for (std::size_t cut = 0; cut <= std::min<std::size_t>(page.size(), 300); ++cut) {
    PixelInjector injector({"#", how});
    tests::TextSink out;
    injector.feed(std::string(page, 0, cut), out);
    injector.feed(std::string(page, cut), out);
    injector.finish(out);
    BOOST_REQUIRE_EQUAL(out.text, shown);
  }
}

const std::string kLong(70'000, 'x');

/// Behind `<html>`, so that each is a page.
const PageCase kStates[] = {
    {"data", "<body>a#</body></html>\n"},
    {"capitals", "<BODY>a#</BODY></HTML>"},
    {"blanks in the tag", "a#</body \n>b"},
    {"a slash in the tag", "a#</body/>b"},
    {"an attribute in the tag", "a#</body class=\"x>y\">b"},
    {"an attribute in the tag, cut short", "a#</body class"},
    {"the first of two", "a#</body>b</body>c"},
    {"the end of the root, where the body's is left out", "<body>a#</html>\n"},
    {"text behind the root", "<body>a#</body></html> and </body>"},
    {"the end, where both are left out", "<body><p>a#"},
    {"another element's end", "a</bodyguard>b</bod>#</body>"},
    {"another element's end with a long name", "</a-drawing-of-a-customer>#</body>"},
    {"look-alikes", "<</</b</bo</bod</body>#</body>"},
    {"a bracket that is text", "1 < 2 > 0 <3 <> </> a#</body>"},
    {"a NUL in the name", "a</bo\0dy>#</body>"s},
    {"a tag that never ends", "a<b </body>#"},
    {"a tag that never ends, with a value", "a<b c=\"</body>"},
    {"the beginning of an end, at the end", "a#</bod"},
    {"a bracket at the end", "a#<"},
    {"an unfinished tag at the end", "a<im"},
    {"an unfinished end tag at the end", "a#</body"},

    {"a value in double quotes", "<a title=\"</body>\">#</body>"},
    {"a value in single quotes", "<a title='</body>'>#</body>"},
    {"a value in other quotes", "<a title='\"</body>' alt=\"'</body>\">#</body>"},
    {"a value behind blanks", "<a title \n= \t'</body>'>#</body>"},
    {"an unquoted value", "<a title=</body>#</body>"},
    {"an unquoted value with a quote", "<a b=c\"x>#</body>\">"},
    {"a name with a quote", "<a b\"x>#</body>\">"},
    {"a value with a bracket before its end", "<a title=\"1>2 </body>\">#</body>"},
    {"one in single quotes", "<a title= '1>2 </body>' b=\"c\">#</body>"},
    {"a value that looks like an end", "<a b=\"?x=\">#</body>"},
    {"values without blanks between", "<a b='</body>'c=\"</body>\"/d='>'>#</body>"},
    {"no value", "<a b= >#</body>"},
    {"an equals sign for a name", "<a ='</body>'>#</body>"},
    {"two equals signs", "<a b=='>#</body>'>"},
    {"slashes in a tag", "<a / b='/>'/>#</body>"},
    {"a body in srcdoc", "<iframe srcdoc=\"<body></body>\"></iframe>#</body>"},
    {"quotes that are text", "don't \"</p>#</body>"},
    {"an equals sign and a quote that are text", "a=\"b</p> c='#</body>"},
    {"a value that ends in an equals sign, then a long page",
     "<a b=\"?x=\">" + kLong + "<a c='</body>'>" + kLong + "#</body>"},

    {"a comment", "<!-- </body> -->#</body>"},
    {"an empty comment", "<!---->#</body>"},
    {"a comment that ends at once", "<!-->#</body> -->"},
    {"a comment that ends after a dash", "<!--->#</body> -->"},
    {"a comment with an odd end", "<!-- </body> --!>#</body>"},
    {"a comment with many dashes", "<!---- </body> ----->#</body>"},
    {"a comment with no end but nearly", "<!-- --! </body> --!x> - -> -!> -->#</body>"},
    {"a comment in a comment", "<!-- <!-- </body> -->#</body> -->"},
    {"a conditional comment", "<!--[if IE]><body></body><![endif]-->#</body>"},
    {"one that others see", "<!--[if !IE]><!--><p><!--<![endif]-->#</body>"},
    {"one in brackets", "<![if !IE]><p><![endif]>#</body>"},
    {"a comment that never ends", "<!-- </body>"},
    {"a command for a server", "<!--%include virtual=\"</body>\" -->#</body>"},
    {"a bogus comment", "<!x </body>#</body>"},
    {"a bogus comment of one dash", "<!-x </body>#</body>"},
    {"a bogus comment with a question mark", "<?php echo '</body>#</body>'; ?>"},
    {"a bogus comment behind a slash", "</ </body>#</body>"},
    {"CDATA, of which HTML has none", "<![CDATA[ </body>#</body> ]]>"},
    {"another doctype", "<!DOCTYPE html PUBLIC \"</body>#</body>"},

    {"a script", "<script>var h=\"<body>a</body>\";go()</script><p>end#</body>"},
    {"a script's other tags", "<script></scrip></script2></ script></body></SCRIPT\n>#</body>"},
    {"a script's end with attributes", "<script></script x='</body>'>#</body>"},
    {"a script that closes itself does not", "<script/></body></script>#</body>"},
    {"a script that never ends", "<script></body>"},
    {"a script in a comment in it", "<script><!-- </body> </script>#</body>"},
    {"a script in a script in a comment in it",
     "<script><!-- <script> </script> </body> --></body></script>#</body>"},
    {"the same, after its comment", "<script><!-- <script> --></body></script>#</body>"},
    {"the same, that goes on", "<script><!-- <script> </body></script> </body></script>#</body>"},
    {"a script that only begins alike", "<script><!-- <scripts> </script>#</body>"},
    {"a comment that a script begins and ends", "<script><!--></body></script>#</body>"},
    {"a comment of a script with three dashes", "<script><!---></body></script>#</body>"},
    {"a script's brackets", "<script>a<b,a<!b,a<!-b,'</',a<</script>#</body>"},
    {"dashes far from their bracket", "<script><!-- <script> -- > </script> </script>#</body>"},
    {"a style sheet", "<style>a:after{content:'</body>'}</style>#</body>"},
    {"a text area", "<textarea></body><!--</textarea>#</body>-->"},
    {"a title", "<title></body></title>#</body>"},
    {"a frame", "<iframe></body></iframe>#</body>"},
    {"an example", "<xmp></body></xmp>#</body>"},
    {"what is shown without embedding", "<noembed></body></noembed>#</body>"},
    {"what is shown without frames", "<noframes></body></noframes>#</body>"},
    {"what is shown without scripts", "<noscript></body></noscript>#</body>"},
    {"plain text", "<plaintext></body></plaintext></body>"},

    {"a template", "<template></body></template>#</body>"},
    {"a template in a template", "<template><template></template></body></template>#</body>"},
    {"a template that never ends", "<template></body>"},
    {"the end of no template", "</template>#</body>"},

    {"SVG", "<svg><path d='</body>'/></svg>#</body>"},
    {"SVG that closes itself", "<svg/>#</body>"},
    {"a style sheet of SVG is no text", "<svg><style><!--</style></body>--></style></svg>#</body>"},
    {"a script of SVG may close itself", "<svg><script/></svg>#</body>"},
    {"a title of SVG", "<svg><title>a</title><path/></svg>#</body>"},
    {"CDATA in SVG", "<svg><style><![CDATA[ </svg></body> ]] > ]]]></style></svg>#</body>"},
    {"CDATA in small letters is none", "<svg><![cdata[ ></svg>#</body> ]]>"},
    {"HTML in SVG", "<svg><foreignObject><style><!--</style></foreignObject></svg>#</body>"},
    {"SVG in HTML in SVG", "<svg><foreignObject><svg><g/></svg></foreignObject></svg>#</body>"},
    {"HTML in SVG, well nested", "<svg><desc><p>a<br><b></b></p><hr></desc></svg>#</body>"},
    {"HTML in SVG, badly nested", "<svg><desc><p>a</desc><script></svg></body>"},
    {"HTML in SVG, with an end too many", "<svg><desc><p></x></desc><script></svg></body>"},
    {"HTML that ends SVG", "<svg><g><p><style><!--</style>#</body>"},
    {"an unknown end in SVG", "<svg></g></svg>#</body>"},
    {"SVG that never ends", "<div><svg><g></div></body>"},
    {"a template in HTML in SVG",
     "<svg><desc><template></svg></body></template></desc></svg>#</body>"},
    {"MathML", "<math><mi><style><!--</style></mi><style><!-- --></style></math>#</body>"},
    {"SVG in MathML",
     "<math><annotation-xml><svg><style><!-- --></style></svg></annotation-xml></math>#</body>"},
    {"a table that never ends", "<table><tr><td>a#</body>"},

    {"frames", "<head></head><frameset><frame src=\"/\"></frameset></html>"},
    {"frames with something else", "<frameset></frameset><noframes><body></body></noframes>"},
};

const PageCase kBeginnings[] = {
    {"a doctype", "<!doctype html>a#"},
    {"an old doctype",
     "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/\">a#"},
    {"a doctype without a blank", "<!doctypehtml>a#"},
    {"a root", "<HTML lang=en>a#"},
    {"a head", "<head>a#"},
    {"a title", "<title>a</title>b#"},
    {"a meta element", "<meta charset=utf-8>a#"},
    {"a body", "<body>a#"},
    {"blanks and comments", " \n<!-- a --><!-- b -->\t<!doctype html>a#"},
    {"a byte order mark", "\xEF\xBB\xBF<!doctype html>a#"},
    {"two of them, of files put together", "\xEF\xBB\xBF\n\xEF\xBB\xBF<html>a#"},
    {"an XML declaration", "<?xml version=\"1.0\"?><!DOCTYPE html><html>a#</html>"},
    {"the end of a body", "#</body>"},
    {"a page without its tags", "<h1>a</h1>#</body>"},
    {"one whose body comes later", "<div>a</div><html><body>b#"},
    {"a whole document within", "<!doctype html><div>a<!doctype html><html><body>b#</body></html>"},

    {"nothing", ""},
    {"blanks", " \n"},
    {"a comment", "<!-- a -->"},
    {"JSON", "{\"html\":\"<body>a</body>\"}"},
    {"JSON behind a byte order mark", "\xEF\xBB\xBF[\"<html><body>a</body></html>\"]"},
    {"a string", "\"<!doctype html><body>a</body>\""},
    {"text", "a<html><body>b</body></html>"},
    {"half a byte order mark", "\xEF\xBB<html></html>"},
    {"UTF-16, the low byte first", "\xFF\xFE<\0h\0t\0m\0l\0>\0"s},
    {"UTF-16, the high byte first", "\xFE\xFF\0<\0h\0t\0m\0l\0>"s},
    {"UTF-16 without a mark", "<\0h\0t\0m\0l\0>\0"s},
    {"a feed", "<?xml version=\"1.0\"?><rss><item>&lt;</item><![CDATA[<body></body>]]></rss>"},
    {"a drawing", "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg></body>"},
    {"another doctype", "<!DOCTYPE plist PUBLIC \"x\"><html></html>"},
    {"a bracket", "<<html></html>"},
    {"a list's item", "<li>a"},
    {"a script's answer", "<script>parent.done()</script>"},
    {"what a script puts into a page", "<style>a{}</style><div>b</div>"},
};

const PageCase kXhtml[] = {
    {"a body", "<body><p>a</p>#</body></html>"},
    {"blanks in the tag", "<body>a#</body\n></html>"},
    {"capitals are another element", "<body><BODY></BODY>#</body></html>"},
    {"no body", "<head><title/></head>#</html>"},
    {"an empty body", "<body/>#</html>"},
    {"a body deeper down", "<body><div><body></body></div>#</body></html>"},
    {"a script is markup", "<body><script><b/></script>#</body></html>"},
    {"CDATA", "<body><script><![CDATA[ </body></html> ]] > ]]]></script>#</body></html>"},
    {"a comment", "<body><!-- </body> --!> - -> -->#</body></html>"},
    {"an instruction", "<?a </html> > ? ?><body>#</body></html>"},
    {"values", "<body a='</body>' b = \"/>\">a<br c='/'/>#</body></html>"},
    {"another prefix within", "<body><s:svg xmlns:s='x'><s:body></s:body></s:svg>#</body></html>"},
    {"frames", "<frameset></frameset></html>"},
    {"no end", "<body>a"},
    {"an end too many", "</head><body></body></html>"},
};

}  // namespace

BOOST_DATA_TEST_CASE(the_pixel_is_put_where_html_has_a_body, data::make(kStates), c) {
  require_place("<html>" + c.shown, kUnsaid);
  require_place("<html>" + c.shown, kInWindow);
  // However far the page goes on before.
  require_place("<html>" + kLong + "<p class=\"a\">" + c.shown, kUnsaid);
  for (std::size_t length = 0; length < 70; ++length) {
    const auto shown = "<html><p>" + std::string(length, 'y') + c.shown;
    BOOST_REQUIRE_EQUAL(inject(without_pixel(shown), kUnsaid, 1 << 20), shown);
  }
}

BOOST_DATA_TEST_CASE(a_page_is_known_by_its_beginning, data::make(kBeginnings), c) {
  require_place(c.shown, kUnsaid);
}

BOOST_AUTO_TEST_CASE(what_a_window_shows_is_a_page_if_it_begins_with_a_tag) {
  require_place("<h1>a</h1>b#", kInWindow);
  require_place("<p>x<script>var h=\"<body>a</body>\";go()</script><p>end#", kInWindow);
  require_place("{\"html\":\"<p>a\"}", kInWindow);
  require_place("<rss>a</rss>", kInWindow);
  require_place("a<p>b", kInWindow);
}

BOOST_DATA_TEST_CASE(the_pixel_is_put_where_xhtml_stays_well_formed, data::make(kXhtml), c) {
  const auto root = "<html lang='en' xmlns=\"http://www.w3.org/1999/xhtml\">"s;
  require_place(root + c.shown, kXml);
  require_place(
      "\xEF\xBB\xBF<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC \"a>\" '[b'>\n" + root + c.shown,
      kXml);
}

BOOST_DATA_TEST_CASE(
    what_is_no_xhtml_stays,
    data::make({"<html><body></body></html>", "<html xmlns='x'><body></body></html>",
                "<html xmlns='http://www.w3.org/1999/xhtml/'><body></body></html>",
                "<h:html xmlns:h='http://www.w3.org/1999/xhtml'><h:body></h:body></h:html>",
                "<svg xmlns='http://www.w3.org/1999/xhtml'><body></body></svg>",
                "<!DOCTYPE html [<!ENTITY e '</body>'>]>"
                "<html xmlns='http://www.w3.org/1999/xhtml'><body></body></html>",
                "{\"a\":\"<html xmlns='http://www.w3.org/1999/xhtml'><body></body></html>\"}",
                "<!ELEMENT html>", ""}),
    page) {
  require_place(page, kXml);
}

BOOST_AUTO_TEST_CASE(a_page_streams_on_behind_its_pixel) {
  PixelInjector injector({"#", kUnsaid});
  tests::TextSink out;
  injector.feed("<html>a</bod", out);
  BOOST_TEST(out.text == "<html>a");
  injector.feed("y>b</bo", out);
  BOOST_TEST(out.text == "<html>a#</body>b</bo");
}

BOOST_AUTO_TEST_CASE(an_answer_that_breaks_off_gets_no_pixel_later) {
  PixelInjector injector({"#", kUnsaid});
  tests::TextSink out;
  injector.feed("<html>a</bo", out);
  BOOST_TEST(out.text == "<html>a");
  injector.abandon(out);
  BOOST_TEST(out.text == "<html>a</bo");
}

BOOST_AUTO_TEST_CASE(elements_within_each_other_without_end_end_the_search) {
  std::string page = "<html><svg>";
  for (int i = 0; i < 100; ++i) page += "<g>";
  for (int i = 0; i < 100; ++i) page += "</g>";
  require_place(page + "</svg></body>", kUnsaid);
}

BOOST_AUTO_TEST_CASE(a_pixel_path_is_quoted_for_html) {
  BOOST_TEST(pixel_tag("/p?a=\"&<b").starts_with("<img src=\"/p?a=&quot;&amp;&lt;b\""));
}

// ---- Which answers

namespace {

struct HeadCase {
  const char* says;
  std::string head;
  bool takes;
};
std::ostream& operator<<(std::ostream& out, const HeadCase& c) { return out << c.says; }

const std::string kHtml = "Content-Type: text/html\n";
const std::string kPolicy = kHtml + "Content-Security-Policy: ";

const HeadCase kHeads[] = {
    {"HTML", kHtml, true},
    {"HTML with a charset", "Content-Type: Text/HTML ; charset=utf-8\n", true},
    {"XHTML", "Content-Type: application/xhtml+xml\n", true},
    {"an error's page", "Status: 404 No\n" + kHtml, true},
    {"text", "Content-Type: text/plain\n", false},
    {"an unknown type", "A: b\n", false},
    {"a type that only begins alike", "Content-Type: text/htmlx\n", false},
    {"XML", "Content-Type: application/xml\n", false},
    {"UTF-16", "Content-Type: text/html; charset=UTF-16LE\n", false},
    {"UTF-16, quoted", "Content-Type: text/html; a=b; Charset=\"utf-16\"\n", false},
    {"UTF-32", "Content-Type: text/html;charset=utf-32\n", false},
    {"ISO-2022-JP, whose characters have brackets", "Content-Type: text/html;charset=iso-2022-jp\n",
     false},
    {"Shift JIS, whose have none", "Content-Type: text/html;charset=Shift_JIS\n", true},
    {"an encoded page", kHtml + "Content-Encoding: gzip\n", false},
    {"no encoding", kHtml + "Content-Encoding: identity\n", true},
    {"a part", "Status: 206 Part\n" + kHtml, false},
    {"a part by its range", kHtml + "Content-Range: bytes 0-1/2\n", false},
    {"a redirection", "Location: /x\n" + kHtml, false},
    {"a file that the web server sends", "X-Sendfile: /x\n" + kHtml, false},
    {"another location", "x-accel-redirect: /x\n" + kHtml, false},
    {"no content", "Status: 204\n" + kHtml, false},
    {"a reset", "Status: 205 Reset\n" + kHtml, false},
    {"a download", kHtml + "Content-Disposition: Attachment; filename=\"a.html\"\n", false},
    {"a download of an unknown kind", kHtml + "Content-Disposition: form-data\n", false},
    {"what is shown, with a name", kHtml + "Content-Disposition: inline; filename=a.html\n", true},
    {"a name alone", kHtml + "Content-Disposition: filename=a.html\n", true},
    {"what must not be changed", kHtml + "Cache-Control: max-age=9, No-Transform\n", false},
    {"the same, in a second header", kHtml + "Cache-Control: a\ncache-control: no-transform\n",
     false},
    {"what may", kHtml + "Cache-Control: no-store\n", true},

    {"a policy for all from here", kPolicy + "default-src 'self'\n", true},
    {"a policy for images from here", kPolicy + "default-src 'none'; IMG-SRC 'Self' data:\n", true},
    {"a policy for images from anywhere", kPolicy + "img-src *\n", true},
    {"a policy for images by a scheme", kPolicy + "img-src https:\n", true},
    {"a policy for images from our host", kPolicy + "img-src https://Shop.example:8443\n", true},
    {"a policy for images from a family of hosts", kPolicy + "img-src *.example\n", true},
    {"a policy for images from our folder", kPolicy + "img-src shop.example/p/\n", true},
    {"a policy for images from another folder", kPolicy + "img-src shop.example/q/\n", false},
    {"a policy for one image", kPolicy + "img-src shop.example/p/x.gif\n", true},
    {"a policy for another image", kPolicy + "img-src shop.example/p/y.gif\n", false},
    {"a policy for images from another host", kPolicy + "img-src cdn.example\n", false},
    {"a policy for images from hosts under ours", kPolicy + "img-src *.shop.example\n", false},
    {"a policy for data alone", kPolicy + "img-src data: blob:\n", false},
    {"a policy for no image", kPolicy + "img-src 'none'\n", false},
    {"a policy with an empty list", kPolicy + "img-src\n", false},
    {"a policy for nothing", kPolicy + "default-src 'none'\n", false},
    {"a policy that says nothing of images", kPolicy + "script-src 'none'; form-action x\n", true},
    {"the first directive of a name", kPolicy + "img-src 'self'; img-src 'none'\n", true},
    {"each of two policies", kPolicy + "img-src 'self', img-src 'none'\n", false},
    {"each of two headers",
     kPolicy + "img-src 'self'\nContent-Security-Policy: default-src 'none'\n", false},
    {"a policy that only reports", kHtml + "Content-Security-Policy-Report-Only: img-src 'none'\n",
     true},
};

AnswerHead head_of(const std::string& text) {
  HeadParser parser;
  BOOST_REQUIRE(parser.feed(text + "\n") == HeadParser::Progress::complete);
  return parser.head();
}

std::optional<PixelPage> page_of(const std::string& head, Request request = {}) {
  request.host = "shop.example";
  return page_for_pixel(head_of(head), request, "/p/x.gif");
}

}  // namespace

BOOST_DATA_TEST_CASE(only_a_page_that_is_shown_gets_a_pixel, data::make(kHeads), c) {
  BOOST_TEST(page_of(c.head).has_value() == c.takes);
}

BOOST_AUTO_TEST_CASE(xhtml_is_read_as_xml) {
  BOOST_TEST(!page_of(kHtml)->is_xml);
  BOOST_TEST(page_of("Content-Type: Application/XHTML+xml; charset=utf-8\n")->is_xml);
}

BOOST_AUTO_TEST_CASE(what_a_script_asks_for_gets_no_pixel) {
  const auto asked = [](std::string_view fetch_dest, std::string_view requested_with) {
    Request request;
    request.fetch_dest = fetch_dest;
    request.requested_with = requested_with;
    return page_of(kHtml, request);
  };
  for (const char* shown : {"", "document", "iframe", "frame"}) {
    BOOST_TEST(asked(shown, "").has_value());
    BOOST_TEST(!asked(shown, "xmlhttprequest").has_value());
    BOOST_TEST(asked(shown, "com.example.app").has_value());
  }
  for (const char* other : {"empty", "object", "embed", "script", "image"}) {
    BOOST_TEST(!asked(other, "").has_value());
  }
  Request ahead;
  ahead.is_prefetch = true;
  ahead.fetch_dest = "empty";  // of <link rel=prefetch>, which may be shown later
  BOOST_TEST(page_of(kHtml, ahead).has_value());
  BOOST_TEST(asked("document", "")->is_shown_alone);
  BOOST_TEST(!asked("iframe", "")->is_shown_alone);
  BOOST_TEST(!asked("", "")->is_shown_alone);
}
