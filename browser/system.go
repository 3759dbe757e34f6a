package browser

import "strings"

// The classes of device.
const (
	deviceDesktop = "desktop"
	deviceMobile  = "mobile"
	deviceTablet  = "tablet"
	deviceOther   = "other" // television, console, watch, glasses, car, or a bot
)

// harmony is an operating system that rules refer to.
const harmony = "HarmonyOS"

// systems tells operating systems by a word of the User-Agent in lower case. The
// first row wins: those that claim to be another stand above it.
var systems = []struct{ word, name string }{
	{"; xbox", "Xbox"}, {"nintendo", "Nintendo"}, // say Windows Phone and iPhone too
	{"windows phone", "Windows Phone"}, {"windows ce", "Windows Phone"}, {"wpdesktop", "Windows Phone"},
	{"zunewp", "Windows Phone"}, {"lumia ", "Windows Phone"}, {"; wds ", "Windows Phone"},
	{"tizen", "Tizen"},
	{"kaios", "KaiOS"},
	{"harmonyos", harmony}, {"openharmony", harmony},
	{"iphone", "iOS"}, {"ipad", "iOS"}, {"ipod", "iOS"}, {"(ios;", "iOS"}, {"dv(iph", "iOS"}, {"dv(ipd", "iOS"},
	{"crios/", "iOS"}, {"fxios/", "iOS"}, {"edgios/", "iOS"}, // say Macintosh on an iPad
	{"android", android}, {"silk-accelerated", android}, {"; adr ", android},
	{"(mobile; ", "KaiOS"}, {"(tablet; rv:", "KaiOS"}, {"(tv; rv:", "KaiOS"}, // and Firefox OS, which it grew from
	{"xbox", "Xbox"}, // says Windows
	{"windows", "Windows"}, {"win32", "Windows"}, {"win64", "Windows"}, {"win98", "Windows"},
	{"<cros>", "Chrome OS"},
	{"web0s", "webOS"}, {"webos", "webOS"}, {"hpwos", "webOS"},
	{"macintosh", "macOS"}, {"mac os x", "macOS"}, {"(macos;", "macOS"}, {"mac_powerpc", "macOS"},
	{"playstation", "PlayStation"},
	{"blackberry", "BlackBerry"}, {"bb10", "BlackBerry"}, {"playbook", "BlackBerry"},
	{"symbian", "Symbian"}, {"symbos", "Symbian"}, {"series60", "Symbian"}, {"series 60", "Symbian"},
	{"sunos", "Solaris"}, {"bsd", "BSD"},
	{"linux", "Linux"}, {"x11", "Linux"}, {"ubuntu", "Linux"},
}

// scope says where a word of classes counts.
type scope int

const (
	anywhere  scope = iota
	model           // in the comment that names the model of an Android
	elsewhere       // where the system is neither Android nor one of phones or desktops that has no such word
)

// classes tells classes of device by words of the User-Agent in lower case. The first
// row wins. Words for tablets are those that makers put into names, and the codes of
// the models that were sold most: half of them send the Mobile of a phone.
var classes = []struct {
	class string
	scope scope
	words []string
}{
	{deviceDesktop, model, []string{
		"chromebook", "pixelbook", "elitebook", "probook", "travelmate", "inspiron", "latitude ", "aspire ", "satellite", "lifebook", "zenbook",
		"(pc; ",
	}},
	{deviceTablet, anywhere, []string{"(tablet; rv:", "playbook", "hpwos", "hp-tablet", "shield tablet", "kindle/"}},
	// Televisions and what is beside them
	{deviceOther, anywhere, []string{
		"smarttv", "smart-tv", "smart tv", "smarthub", "googletv", "google tv", "android tv", "androidtv", "appletv", "apple tv",
		"hbbtv", "ce-html", "nettv", "netcast", "netrange", "opera tv", "inettvbrowser", "web0s", "webos.tv", "tvos", "(tv; rv:",
		"tv safari", "bravia", "viera", "vidaa", "maple2", "maple_2", "crkey", "roku", "mitv", "mibox", "tv box", "tvbox", "; aft", "firetv",
		"sonycebrowser", "<omi/", "coolita", "gw-device", "stbapp", "dlnadoc", "large screen) ", "linux mips", "<dtv", "tv-bro", "tv bro",
	}},
	// Consoles, watches, glasses, speakers and cars
	{deviceOther, anywhere, []string{
		"playstation", "nintendo", "; xbox", "ouya", "gamepad", "steam deck", "retroid",
		"apple watch", "watchos", "pixel watch", "wear os", "wearos",
		"oculusbrowser", "picobrowser", "vr safari", "mobile vr", "tesla/", "qtcarbrowser", "family hub",
	}},
	{deviceOther, elsewhere, []string{"tv>", "<stb>", ", wired)", ", wireless)", "watch"}},
	{deviceMobile, model, []string{"coolpad", "padfone", "phonepad"}},
	{deviceOther, model, []string{
		"tv>", "box>", "<4k>", "uhd", "<ott>", "<stb>", " shell ", "<stick>", "projector", "formuler", "mecool", "beelink", "a95x",
		"tdtv", "beyondtv", "<atv", "dvb", "<h96>", "<x96", "<hk1>", "neo-x", "neo-u", "zidoo", "ugoos", "nexon", "vontar", "nexbox",
		"<shield", "rgcube", "<rg35", "<rg40", "<rg50", "<rg55", "odin2", "switch oled", "switch lite",
		"watch", "gear live", "moto 360", "<sm-r", "<sm-l3", "<pico ", "oculus", "<quest ", "; aeo",
	}},
	{deviceTablet, model, []string{
		"tablet", "<tab", "tab>", "pad>", "slate>",
		// Samsung, Lenovo, Amazon
		"<sm-t", "<sm-p", "<sm-x", "<gt-p", "<gt-n51", "<gt-n80", "<tb-", "<tb1", "<tb2", "<tb3", "<yt-", "<yt3", "lenovo b6000", "lenovo b8000", "<kf",
		// Huawei and Honor
		"<ags", "<bah", "<agr", "<bach", "<bzt", "<kob", "<jdn", "<sht-", "<scmr", "<mrx", "<mrr", "<vrd", "<dby", "<wgr", "<got-", "<brt-",
		"<bzk", "<dbr", "<btk", "<mon-", "<hdn-", "<hdz-", "<cpn-", "<gem-", "<ple-", "<bg2-", "<hey2", "<rod2", "<elk-", "<t1-", "huawei m2",
		// Google, Xiaomi, Oppo, OnePlus, realme, Asus, Acer, LG, Sony, HTC
		"nexus 7", "nexus 9", "nexus 10", "pixel c>", "rp8", "rpadg", "rpbfg", "21051182", "22081283g", "<opd", "<rmp2",
		"<p01", "<p02", "<p00", "<k01", "<k00", "<me17", "<me30", "<a1-8", "<b1-7", "<b3-a", "<a3-a", "<lg-v", "<sgp", "flyer",
		// sold under many names
		"<mid>", "<mid7", "<mid8", "<mid9", "<mid1", "<mid0", "iplay", "<kids>", "<tpc", "<bq-7", "<bq-1", "readboy", "<mi pad", "<pmt", "<pmp", "<tz7", "<tz8", "<tz1", "lifetab", "<plane ", "<plane_", "<optima ", "<m bot ", "<impad",
	}},
	{deviceTablet, anywhere, []string{"/apad "}}, // Yandex's own word
}

// seen is what the words of a User-Agent say of its device.
type seen struct {
	system string // a name of systems, or Other
	class  string // a class of device, or ""
}

// clues finds the words of systems, and then those of classes, whose ranks follow.
// clueClasses has the row of classes for each of these.
var clues, clueClasses = func() (*finder, []int) {
	words, rows := new(finder), []int(nil)
	for i, row := range systems {
		words.add(parseWord(row.word, i))
	}
	for i, row := range classes {
		for _, text := range row.words {
			words.add(parseWord(text, len(systems)+len(rows)))
			rows = append(rows, i)
		}
	}
	return words, rows
}()

// look returns what the words of ua, in lower case, say of its device.
func look(ua string) seen {
	const none = 1 << 16
	system := none
	first := [...]int{anywhere: none, model: none, elsewhere: none} // the best row of each scope
	start := strings.IndexByte(ua, '(')
	comment, _, _ := strings.Cut(commentAround(ua, start+1), " build/")
	for at, w := range clues.all(ua) {
		if w.rank < len(systems) {
			system = min(system, w.rank)
			continue
		}
		row := clueClasses[w.rank-len(systems)]
		scope := classes[row].scope
		if scope == model && (at < start || at > start+len(comment)) {
			continue
		}
		first[scope] = min(first[scope], row)
	}
	s := seen{system: Other}
	if system != none {
		s.system = systems[system].name
	}
	row := first[anywhere]
	switch s.system {
	case android, harmony:
		row = min(row, first[model])
		if hasScreenSize(comment) {
			return seen{s.system, deviceOther}
		}
	case "Linux", "Tizen", "webOS", Other:
		row = min(row, first[elsewhere])
	}
	if row != none {
		s.class = classes[row].class
	}
	return s
}

// inches are the sizes of televisions, which stand in the names of their models.
var inches = func() (sizes [100]bool) {
	for _, size := range []int{24, 28, 32, 39, 40, 42, 43, 48, 49, 50, 55, 58, 60, 65, 70, 75, 77, 82, 85, 86} {
		sizes[size] = true
	}
	return sizes
}()

// hasScreenSize reports whether the comment of an Android names a model by the size of
// a television: 43U550T, SW-LED55UB401, U50F8000, TF-32LEX7.
func hasScreenSize(comment string) bool {
	for start := 0; start < len(comment); start++ {
		if !isAlphanumeric(comment[start]) {
			continue
		}
		end := start
		for end < len(comment) && isAlphanumeric(comment[end]) {
			end++
		}
		if isScreenSize(comment[start:end], strings.HasSuffix(comment[:start], "; ")) {
			return true
		}
		start = end
	}
	return false
}

// isScreenSize reports whether a word holds the size of a television, and first whether
// it is the first of a part of a comment. Two letters before a size are those of phones.
func isScreenSize(word string, first bool) bool {
	_, size, led := strings.Cut(word, "led")
	if !led {
		size = strings.TrimLeft(word, letters)
	}
	before := len(word) - len(size)
	if len(size) < 3 || !isDigit(size[1]) || !inches[int(size[0]-'0')*10+int(size[1]-'0')] {
		return false
	}
	number := strings.TrimLeft(size[2:], letters)
	kind := len(size) - 2 - len(number) // letters behind the size
	switch before {
	case 0:
		return kind > 2 && first || kind > 0 && number != ""
	case 1, 3, 4:
		return led || kind > 0 && len(number) >= 2 && isDigit(number[1])
	}
	return led
}

const letters = "abcdefghijklmnopqrstuvwxyz"

// device returns the class of device; ua is in lower case, os is a system of seen or
// the hints, and mobile is the hint of that name, "" if there is none.
func device(ua, os string, s seen, mobile string) string {
	if s.class == deviceOther || s.class == deviceDesktop {
		return s.class
	}
	isMobile := strings.Contains(ua, "mobi")
	switch os {
	case "iOS":
		if strings.Contains(ua, "ipad") || strings.Contains(ua, "macintosh") {
			return deviceTablet
		}
		return deviceMobile
	case android, harmony:
		switch {
		case mobile == "?0":
			return deviceTablet
		case mobile == "?1":
			return deviceMobile
		case s.class != "":
			return s.class
		case isMobile, strings.Contains(ua, "dalvik/"):
			return deviceMobile
		}
		return deviceTablet
	case "Windows", "macOS", "Chrome OS", "BSD", "Solaris":
		if mobile == "?1" {
			return deviceMobile
		}
		return deviceDesktop
	case "Linux":
		if mobile == "?1" || isMobile {
			return deviceMobile
		}
		return deviceDesktop
	case "Windows Phone", "KaiOS", "BlackBerry", "Symbian":
		if s.class != "" {
			return s.class
		}
		return deviceMobile
	}
	switch {
	case s.class != "":
		return s.class
	case os != "Xbox" && os != "PlayStation" && os != "Nintendo" && (isMobile || containsAny(ua, oldPhones)):
		return deviceMobile
	case containsAny(ua, oldDesktops):
		return deviceDesktop
	}
	return deviceOther
}

// oldPhones and oldDesktops are words of systems that few have, and that have no name
// here.
var (
	oldPhones = []string{
		"midp", "cldc", "up.browser", "bada/", "brew", "rex;", "obigo", "teleca", "dolfin", "polaris", "jig browser", "docomo", "willcom",
		"cellphone", "palmos", "webos/1", "pre/",
	}
	oldDesktops = []string{"amiga", "morphos", "haiku", "beos", "os/2", "risc os", "syllable", "arcaos", "qnx", "plan 9", "serenity", "x11"}
)

func containsAny(s string, words []string) bool {
	for _, word := range words {
		if strings.Contains(s, word) {
			return true
		}
	}
	return false
}
