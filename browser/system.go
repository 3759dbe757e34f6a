package browser

import "strings"

// The classes of device.
const (
	deviceDesktop = "desktop"
	deviceMobile  = "mobile"
	deviceTablet  = "tablet"
	deviceOther   = "other" // television, console, watch, glasses, car, or a bot
)

// Operating systems that rules refer to.
const (
	harmony = "HarmonyOS"
	tizen   = "Tizen"
)

// systems maps words of a User-Agent in lower case to operating systems. The first row whose
// word is there counts: a system that claims to be another is above that one.
var systems = []struct{ word, name string }{
	{"; xbox>", "Xbox"}, {"nintendo 3ds", "Nintendo"}, // say Windows Phone and iPhone too
	{"windows phone", "Windows Phone"}, {"windows ce", "Windows Phone"}, {"wpdesktop", "Windows Phone"},
	{"zunewp", "Windows Phone"}, {"lumia ", "Windows Phone"}, {"; wds ", "Windows Phone"},
	{"tizen", tizen},
	{"kaios", "KaiOS"},
	{"harmonyos", harmony}, {"openharmony", harmony},
	{"(linux; android", android}, {"(linux; u; android", android}, // the model may be called as an iPhone
	{"<iphone", "iOS"}, {"<ipad", "iOS"}, {"<ipod", "iOS"}, {"(ios;", "iOS"}, {"dv(iph", "iOS"}, {"dv(ipd", "iOS"},
	{"crios/", "iOS"}, {"fxios/", "iOS"}, {"edgios/", "iOS"}, // say Macintosh on an iPad
	{"android", android}, {"silk-accelerated", android}, {"; adr ", android},
	{"(mobile; ", "KaiOS"}, {"(tablet; rv:", "KaiOS"}, {"(tv; rv:", "KaiOS"}, // and Firefox OS, which it grew from
	{"(xbox", "Xbox"}, // may say Windows
	{"windows", "Windows"}, {"win32", "Windows"}, {"win64", "Windows"}, {"win98", "Windows"},
	{"<cros>", "Chrome OS"},
	{"web0s", "webOS"}, {"webos", "webOS"}, {"hpwos", "webOS"},
	{"(apple watch", "watchOS"}, {"cpu watchos", "watchOS"}, {"(appletv", "tvOS"}, {"(apple tv", "tvOS"}, {"cpu tvos", "tvOS"}, // say Mac OS X
	{"macintosh", "macOS"}, {"mac os x", "macOS"}, {"(macos;", "macOS"}, {"mac_powerpc", "macOS"},
	{"playstation", "PlayStation"}, {"nintendo", "Nintendo"},
	{"blackberry", "BlackBerry"}, {"bb10", "BlackBerry"}, {"playbook", "BlackBerry"},
	{"symbian", "Symbian"}, {"symbos", "Symbian"}, {"series60", "Symbian"}, {"series 60", "Symbian"},
	{"sunos", "Solaris"}, {"bsd", "BSD"}, {"; dragonfly", "BSD"},
	{"linux", "Linux"}, {"ubuntu", "Linux"},
	{"; haiku", Other}, {"; hp-ux", Other}, {"; aix", Other}, {"; irix", Other}, {"; osf1", Other}, {"; qnx", Other}, {"; serenity", Other}, {"; gnu ", Other}, // on X11, too
	{"x11", "Linux"},
}

// scope is where a word of classes counts. It is needed because apps on phones have names
// with the words of televisions.
type scope int

const (
	anywhere  scope = iota
	onAndroid       // in the User-Agent of Android, HarmonyOS and Tizen
	inModel         // in the comment of these systems, which names the model
	named           // as inModel, and anywhere if the system is Linux, webOS or Other
)

// classes maps words of a User-Agent in lower case to classes of device. The first row with a
// word counts. The words for tablets are those in the names of products, and the codes of the
// models that were sold most: half of them send Mobile like a phone.
var classes = []struct {
	class string
	scope scope
	words []string
	// weak: a phone, which says Mobile Safari, may have the word in its name too.
	weak bool
}{
	{class: deviceDesktop, scope: inModel, words: []string{
		"chromebook", "pixelbook", "elitebook", "probook", "travelmate", "inspiron", "latitude ", "aspire ", "satellite", "lifebook", "zenbook",
		"(pc; ",
	}},
	{class: deviceTablet, scope: anywhere, words: []string{"(tablet; rv:", "playbook", "hpwos", "hp-tablet", "shield tablet", "kindle/", "(kobo ", "pocketbook/"}},
	{class: deviceTablet, scope: inModel, words: []string{"<btv-", "m_bot_tab"}},
	// Televisions, glasses and cars, by words that are in the name of no app
	{class: deviceOther, scope: anywhere, words: []string{
		"smart-tv", "hbbtv", "ce-html", "nettv", "netrange", "inettvbrowser", "web0s", "webos.tv", "(tv; rv:", "tv safari", "vidaa", "crkey",
		"sonycebrowser", "<omi/", "coolita", "gw-device", "stbapp", "dlnadoc", "; viera", "aquosbrowser", "aquos-tv", "aquos_tv", "(dtv)", "(dtv;", "<tbrowser/", "<zeasn/", "brightsign", "large screen) ", "tv-bro", "tv bro", "(appletv", "(apple tv", "tvos",
		"apple watch", "watchos", "oculusbrowser", "picobrowser", "vr safari", "mobile vr", "tesla/", "qtcarbrowser",
	}},
	{class: deviceOther, scope: onAndroid, words: []string{
		"(lite) tv>", "safari/537.36 tv>", "search tv/", "iptv pro/",
		// builds of Android's branches for televisions (T) and watches (W), which no phone has
		"build/ptt", "build/pto", "build/qtt", "build/qtg", "build/qts", "build/rtt", "build/rtm", "build/rto", "build/rtx", "build/stt", "build/ttt",
		"build/nwd", "build/owd", "build/twr", "build/twd", "build/aw2e", "build/lwx", "build/kmv", "build/knx",
	}},
	// Televisions, consoles and watches by their names
	{class: deviceOther, scope: named, words: []string{
		"<smart tv>", "smart_tv", "<android tv>", "<google tv>", "tv box", "smarttv", "smarthub", "googletv", "androidtv", "netcast", "opera tv", "bravia", "<viera", "maple2", "maple_2", "roku", "mitv", "mibox",
		"tvbox", "; aft", "linux mips", "<stb>", ", wired)", ", wireless)", "ouya", "gamepad", "steam deck", "retroid", "watch", "wear os", "family hub",
	}},
	{class: deviceMobile, scope: inModel, words: []string{"coolpad", "padfone", "phonepad", "tech pad", "aquos sense", "aquos wish", "aquos zero", "aquos r", "aquos crystal", "aquos xx", "aquos phone"}},
	{class: deviceOther, scope: named, weak: true, words: []string{"tv>", "aquos"}},
	{class: deviceOther, scope: inModel, words: []string{
		"projector", "formuler", "mecool", "beelink", "ugoos", "vontar", "nexbox", "gtking", "gt-king", "transpeed", "spybox", "orbsmart",
		"beyondtv", "chromecast", "<yndx-000",
		"<shield", "rgcube", "<rg35xx", "<rg405", "<rg406", "<rg505", "<rg556", "odin2", "switch oled", "switch lite",
		"<gear>", "moto 360", "<sm-r", "<sm-l3", "zeblaze", "<pico ", "oculus", "; quest 2>", "; quest 3>", "; quest pro>", "meta quest", "vive focus", "magic leap", "; ow19w", "; ow20w", "portaltv",
		"; aeobp>", "; aeocn>", "; aeokn>", "; aeoch>", "; aeocw>", "; aeota>", "; aeorh>", "; aeoat>", "; aeohy>", // Amazon's with a screen
	}},
	{class: deviceOther, scope: inModel, weak: true, words: []string{
		"box>", "<4k>", "uhd", "<ott>", " shell ", "<stick>", "a95x", "tdtv", "<atv", "dvb", "<h96>", "<x96", "<hk1>", "neo-x", "neo-u", "zidoo",
		"nexon", "<t95", "<x88", "<mxq", "pendoo", "vorke", "tanix", "rombica", "selenga", "<mk80", "<tx3", "<tx6", "<gtv", "isdb",
		"<lem1", "appllp", "<thor ", "<leo-b", "<leo-d", "; aeo",
	}},
	{class: deviceTablet, scope: inModel, words: []string{
		"tablet", "<tab>", "<tab0", "<tab1", "<tab2", "<tab3", "<tab4", "<tab7", "<tab8", "<tab9", "tab>",
		"<pad>", "matepad", "mediapad", "slate>",
		// Samsung, Lenovo, Amazon
		"<sm-t", "<sm-p", "<sm-x", "<gt-p", "<gt-n51", "<gt-n80", "<tb-", "<tb1", "<tb2", "<tb3", "<yt-", "<yt3", "lenovo b6000", "lenovo b8000", "<kfa", "<kfd", "<kff", "<kfg", "<kfj", "<kfk", "<kfl", "<kfm", "<kfo", "<kfp", "<kfq", "<kfr", "<kfs", "<kft",
		// Huawei and Honor
		"<ags-", "<ags2", "<ags3", "<ags4", "<ags5", "<ags6", "<bah-", "<bah2", "<bah3", "<bah4", "<agr-", "<agrk", "<bach-", "<bach3", "<bach4", "<bzt", "<kob-", "<kob2", "<kobe3",
		"<jdn", "<sht-", "<scmr", "<mrx", "<mrr", "<vrd", "<dby", "<wgr", "<got-", "<brt-",
		"<bzk", "<dbr", "<btk", "<mon-a", "<mon-w", "<hdn-", "<hdz-", "<cpn-", "<gem-", "<ple-", "<bg2-", "<hey2", "<rod2", "<elk-", "<t1-", "huawei m2",
		// Google, Xiaomi, Oppo, OnePlus, realme, Asus, Acer, LG, Sony, HTC
		"nexus 7", "nexus 9", "nexus 10", "pixel c>", "rp8", "rpadg", "rpbfg", "21051182", "22081283g", "<opd2", "<rmp2",
		"<p01", "<p02", "<p00", "<k01", "<k00", "<me17", "<me30", "<a1-8", "<b1-7", "<b3-a", "<a3-a", "<lg-v4", "<lg-v5", "<lg-v6", "<lg-v7", "<lg-v9", "<sgp", "<flyer",
		// sold under many names
		"<mid>", "<mid7", "<mid8", "<mid9", "<mid1", "<mid0", "<iplay", "<tpc", "<bq-7", "<bq-1", "readboy", "<mi pad", "<pmt", "<pmp", "<tz7", "<tz8", "<tz1", "lifetab", "<plane ", "<plane_", "; optima ", "<impad",
	}},
	{class: deviceTablet, scope: anywhere, words: []string{"/apad "}}, // Yandex's own word
}

// seen is what the words of a User-Agent say of its device.
type seen struct {
	system string // a name of systems, or Other
	class  string // a class of device, or ""
}

// clues finds the words of systems and of classes. The ranks of classes follow those of
// systems. clueClasses has the row of classes for each of their words.
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
	rows := [...]int{anywhere: none, onAndroid: none, inModel: none, named: none} // first row of each scope
	inComment := none                                                             // first row of named or inModel in the first comment
	start, comment := firstComment(ua)
	isPhone := strings.Contains(ua, "mobile safari/")
	for at, w := range clues.all(ua) {
		if w.rank < len(systems) {
			system = min(system, w.rank)
			continue
		}
		row := clueClasses[w.rank-len(systems)]
		if classes[row].weak && isPhone {
			continue
		}
		scope := classes[row].scope
		rows[scope] = min(rows[scope], row)
		if scope >= inModel && at >= start && at < start+len(comment) {
			inComment = min(inComment, row)
		}
	}
	s := seen{system: Other}
	if system != none {
		s.system = systems[system].name
	}
	row := rows[anywhere]
	switch s.system {
	case android, harmony, tizen:
		row = min(row, rows[onAndroid], inComment)
		if hasScreenSize(comment, isPhone) || isNamedTV(comment) {
			return seen{s.system, deviceOther}
		}
	case "Linux", "webOS", Other:
		row = min(row, rows[named])
	}
	if row != none {
		s.class = classes[row].class
	}
	return s
}

// firstComment returns the offset of the first comment of ua, and the part of it that may
// name a model. Some User-Agents have lost all brackets; their comment ends before the
// engine.
func firstComment(ua string) (start int, comment string) {
	if start = strings.IndexByte(ua, '('); start >= 0 {
		end, _ := stretch(ua, start)
		comment = ua[start:end]
	} else {
		start = 0
		comment, _, _ = strings.Cut(ua, " applewebkit/")
	}
	comment, _, _ = strings.Cut(comment, " build/")
	return start, comment
}

// isNamedTV reports whether the comment of an Android device names a model with the word TV:
// Percee TV, HIPER MEDIA TV i4. In the names of phones with a tuner it is behind a code
// (XT1069 TV) or joined to another word (KEMPLER_TV), and until Android 4 anywhere.
func isNamedTV(comment string) bool {
	before, after, ok := strings.Cut(comment, " tv")
	if !ok || after != "" && !strings.ContainsRune(" ;)/", rune(after[0])) || containsAny(comment, []string{"android 2", "android 3", "android 4"}) {
		return false
	}
	word := before[strings.LastIndexByte(before, ' ')+1:]
	number := strings.TrimLeft(word, letters+"-")
	return len(number) == len(word) || len(number) < 3 || !isDigit(number[0])
}

// inches says which numbers are sizes of televisions in inches. Models are named by them.
var inches = func() (sizes [100]bool) {
	for _, size := range []int{24, 28, 32, 39, 40, 42, 43, 48, 49, 50, 55, 58, 60, 65, 70, 75, 77, 82, 85, 86} {
		sizes[size] = true
	}
	return sizes
}()

// hasScreenSize reports whether the comment of an Android device names a model by the size of
// a television: 43U550T, SW-LED55UB401, U50F8000, TF-32LEX7. isPhone means that the
// User-Agent says Mobile Safari: a size counts then only after LED or at the beginning of the
// model.
func hasScreenSize(comment string, isPhone bool) bool {
	for start := 0; start < len(comment); start++ {
		if !isAlphanumeric(comment[start]) {
			continue
		}
		end := start
		for end < len(comment) && isAlphanumeric(comment[end]) {
			end++
		}
		if isScreenSize(comment[start:end], strings.HasSuffix(comment[:start], "; "), isPhone) {
			return true
		}
		start = end
	}
	return false
}

// isScreenSize reports whether a word holds the size of a television. first means that it is
// the first word of a part of a comment.
func isScreenSize(word string, first, isPhone bool) bool {
	_, size, led := strings.Cut(word, "led")
	if !led {
		size = strings.TrimLeft(word, letters)
	}
	before := len(word) - len(size)
	if len(size) < 3 || !isDigit(size[1]) || !inches[int(size[0]-'0')*10+int(size[1]-'0')] {
		return false
	}
	number := strings.TrimLeft(size[2:], letters)
	kind := len(size) - 2 - len(number) // number of letters after the size
	switch {
	case kind == 0:
		return led && !isPhone
	case led:
		return true
	case isPhone:
		return before == 0 && first && len(number) > 1 && isDigit(number[1])
	case before == 0:
		return kind > 2 || kind == 2 && first || number != ""
	case before > 4 || number == "": // S60Pro is a phone
		return false
	case before == 2: // the codes of many phones have two letters in front
		return kind > 2 || kind == 2 && len(number) > 1
	}
	return kind > 2 || len(number) > 1 && isDigit(number[1])
}

const letters = "abcdefghijklmnopqrstuvwxyz"

// device returns the class of device. ua is in lower case, os is the system of s or of the
// hints, and mobile is the hint of that name, "" if there is none.
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
		switch {
		case s.class != "":
			return s.class
		case mobile == "?1" || isMobile:
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

// oldPhones and oldDesktops are words of rare systems that are not in our table.
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
