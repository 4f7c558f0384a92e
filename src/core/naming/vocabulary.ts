// Words that tell what a name is, by the sign they are. `*` at an end: the word may go on there ("dyn*", "*dsl"); without it a word
// ends where letters end. Placeholders may have hyphens and dots between their words. No names of providers: those that need one
// are in providers.ts. Languages: those of the providers of Europe, the Americas and East Asia, as they write them in ASCII.

import type { SignId } from './sign.ts';

export type WordSign = Extract<
  SignId,
  | 'dynamic'
  | 'access'
  | 'customer'
  | 'static'
  | 'reverse'
  | 'ip'
  | 'hosting'
  | 'placeholder'
  | 'spare'
  | 'business'
  | 'nat'
  | 'mail'
  | 'infrastructure'
  | 'crawler'
  | 'service'
>;

/** Words of the host part. */
export const hostVocabulary: Readonly<Record<WordSign, string>> = {
  dynamic: `
    dyn dyn* *dyn *dynamic* *dyndsl dynip* dynam* dinam* dinamyc* zmienn* dy *dhcp* ppp* *ppp *pppo* pptp pptp* pool pool* *pool *pools natpool*
    dial dial* *dialup* *dialin* dip dips bras lns cgn cgn* *cgnat* clgnat vpdn* evdo* `,

  access: `
    *dsl* isdn isdn* *isdn *cable* *kabel* cablemodem* cbl *catv* hfc docsis* *cmts* *ktv ftt ftt* *ftth* gpon gpon* *gpon epon* xpon pon
    *fiber* *fibre* *fibra* fibr* *glasfaser* glasvezel* lwl *optik optik* optic* svetovod* valokuitu* fibranet* vdsl
    *broadband* broad *bredb* *breedband* *breitband* bandalarga* bandaancha* szerokopasm* shirokopolos* *laajakaista* bb bbcust bbtec
    *wifi* *wlan* *wireless* *wimax* wisp* wrls lte lte* *lte umts* gprs* gsm gsm* hspa* hsi hsd hsia fwa fwa* wll 
    *mobile* *mobil mobil movil* *movil celular* cellular* *handy sat vsat *satellit* modem* *resident* res resnet* *homes homenet* homeuser* hogar* domicil* retail*
    isp inet hotspot* eduroam* student student* dorm* *dorm koleje akademik* internat kollegi* wohnheim*
    access acceso* acesso* dostup* dostep* zugang* tilgang* *yhteys* lightspeed* flat bng lan tunnel tserv sub
    hikari* netz telecable cpe cpe* *cpe surfer vivienda* rychl* netaccess* adslplus adsl* *adsl* vdsl* *vdsl* sdsl* xdsl* hdsl*`,

  customer: `
    cust cust* *cust *customer* client client* *client clients cliente* clienti* clnt dclient kund kund* *kund kunden* asiakas* klient* klienc* klant klanten*
    abo abonn* abonad* abonent* *abonent assinante* subscr* subs suscript* user user* *user users usr member members ugyfel* elofizet* zakaznik* uzivatel*
    musteri* abone* pelanggan* korisnik* pretplatnik* uporabnik* narocnik* tilaaja* liittyma* klijent* lietotaj* vartotoj* utente* utenti* utilisat* usuario*
    felhasznalo* khachhang* tenant* particul* hogares`,

  static: `
    *static* statik* sta stc fixed fixed* *fixed fix fixip* *fixip fij fijo* fija* ipfij* fixo* ipfix* estatic* sabit* stal staly* stala* pevn* kiinte*    
                leased* *leased lline ll llu
     vast`,

  reverse: `
    rev rev* *rev reverse* *reverse* revers* revdns revip* *rdns inaddr inaddr* inaddrarpa ipaddr* addr adr adsr unn reverso* unreverse`,

  ip: `ptr *ptr ip ip* *ip ips ipv host hosts hst host* node* net nets`,

  hosting: `
    vps vps* *vps vds vds* *vds vm vmi vmd vms *vserver* vsrv* kvm xen openvz* lxc hyperv* dedi dedi* *dedi dedicated* rootserver*
    colo colo* cloud cloud* *cloud instance* compute* hosted* *hosted droplet* cvm vz rental* rdp* gameserver* ecs linode*
    baremetal* metal* container* slice* *virtual virtual* hebergement* alojamiento* hospedagem* barindirma* sunucu* serwer* szerver* servidor*
    dedibox* mietserver* powered webhost`,

  placeholder: `
    localhost* localdomain noreverse* norevdns* norev noptr* nordns* nodns* nohostname* noname* nopointer* noip nonexist* dummy*
    hasnoreverse* hasnordns* withoutreverse* withoutrdns* sinreverso* sinptr* sinasignar* sinnombre* semreverso* semdns* bezrev* brakrev* sansreverse*
    unassign* unasign* unnasign* notassign* unallocat* notallocat* unused* notused* notinuse* noused* unknown* undefin* undef
    notdefined* notset* unset* notconfigured* unconfigured* notupdated* unlabel* unnamed* unregistered* notregistered* unspecified* unavailable*
    notavailable* reserve reserved* *reserved reservad* reservier* rezerv* zarezerw*         
    placeholder* defaulthost* changeme* pleaseset* setme* setyour* setptr* setrdns* yourhost* yourserver*  
    hostedby* hostingby* hostby* poweredby* servedby* ownedby* rentedby* managedby* operatedby* providedby* servicedby* 
    subnet broadcast* networkaddress nomansland* suspended*     
    idonthave* norecord* misconfig* ptrnotset* rdnsnotset* customerassign* notprovision*
    unprovision* toassign* tobeassigned* tobedefined* tba unspec* dontblame* notdelegat* undelegat* noreversedns* noreverseset* nodnsset* hostnotfound* rdnspending* ptrpending* nodata nothing*`,

  spare: `
    none blank libre livre disponib* available avail frei free wolny volny default default* defaut generic* example protected
    temporary* temp expired* disabled* parked parking* spare invalid*`,

  business: `
    business *business biz corp commercial* sme smb soho enterprise* empresa* empresarial negocio* entrepris* firma affari* azienda* nonresidential* stat`,

  nat: `nat *nat nat* snat`,

  mail: `
    *mail* *smtp* mx mxs mxin* mxout* mxp* mxb* mxl* mxpf* imx omx emx smx mta* *mta* relay* *relay* *outbound* *outgoing* mout* *mout outb* inbound* incoming* imap* *imap
    postfix* exim* zimbra* zcs zmcc *exch exch* correo* correio* poczt* *poczta* posta* poste pochta* pocta* *posta post postman* courrier*
    *spam* filter* *filter mxf* ironport* barracuda* proofpoint* *ppoint* messagelab* list lists *lists listserv* newsletter* news* bounce* *bounce* sender* *sender*
    deliver* *deliver* mda mbox* queue* *queue* fwd forward* *forward* dmarc* dkim* sendm* owa autodiscover* egress* esa smg mgw mg mr omp mmp
    notes* domino* groupwise* kolab* dovecot* cyrus* amavis* rspamd* pmg postini* fback* fallback* postbox* *postbox smart* smarthost* epost* mbx* lmtp* out *out envio* envoi* versand* sympa* mailman* majordomo*
    symantec* virus* antivir* trend* sophos* eemsg* emp ews*`,

  infrastructure: `
    ae xe ge te et gi fa fe so pos be bundle* hundredgig* tengig* gigabit* fastether* ethernet* eth port portchannel* po lag irb vlan* *vlan bvi lo loop loopback*
    tun *core* cr *crs ar bdr* bbr* rr edge* rtr* *rtr router* *router* gw* *gw gateway* fw* *fw firewall* *firewall pix asa vpn* *vpn* avpn switch* sw
    asr mpr er esr pe agg* lsr peer* transit* bgp* ix ixp ixr idrac ilo ipmi bmc oob mgmt* management* backbone* haproxy* *proxy* tor exit* torexit* uplink* trunk* cxr link xconnect* route*
    tcore* cor crt shaper* dnat lb loadbal* balancer* wg wireguard* asbr border* dist* distrib* pop ptp tp pc vl gre mpls* vpls* fttn network*`,

  crawler: `crawl* *crawl *crawler spider* *spider *bot bots`,

  service: `
    test www *www web* *web ns nsa nsb ftp* ldap* db sql* mysql* pgsql* git* cpanel* *cpanel plesk* whm panel* admin* webdisk* api* app apps dev stg prod* cdn* cache* img* media* blog* shop* forum* nextcloud* jenkins* monitor* nagios*
    zabbix* grafana* backup* bkp storage* nas office* intranet* portal* remote* rds citrix* voip* sip* pbx* asterisk* login* secure* ssl* support* master* slave* primary* main* cluster* stats* streaming*
    crm* erp* files* *files sso status* help* search* ts lab build* ci mirror* archive* ntp* time code* wiki* chat* docs* gate* bastion* jump* shell* connect hosting* `,
};

/** Words that may stand anywhere in the organisation's own label. */
export const orgVocabulary: Readonly<Record<'org-access' | 'org-hosting' | 'org-reverse' | 'org-mail', string>> = {
  'org-access': `
    *dsl* *cable* *kabel* *fiber* *fibre* *fibra* *broadband* *bredband* *breedband* *breitband* *laajakaista* *telecom* *telekom* *wifi* *wireless*
    *mobile* *internet* *dialup* *dialin* *catv* *ftth* *wimax* *telefon* *telcom* *speednet* *banda *turbonet* *telco* *fone *isp isp*`,
  'org-hosting': `
    *host *hoster* *server* *vps* *vds* *cloud *clouds *colo* *hosting* *dedi* *datacent* *datacen* *hebergement* *hospedagem* *servs *srv* *kvm* *rdp* *nodes *instance*`,
  'org-reverse': `*rdns* *revdns* ptr *ptr *reverse* *ipaddr* ippool ipptr`,
  'org-mail': `*mail* *smtp* *mx mx* *post *messag* *newsletter* *spam* *sender*`,
};
